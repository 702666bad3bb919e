package agreement

import "slices"

// form says what a scalar is, for the schema and for the checks that need no context.
type form uint8

const (
	noForm        form = iota
	textForm           // any text
	dottedForm         // a name that may have dots
	nameForm           // a name that the agreement declares or refers to
	wordForm           // one of shape.words
	conditionForm      // an expression
	durationForm       // "4 working hours"
	windowForm         // "30d": a duration that is not working time
	emailForm
	zoneForm
	dateForm
	spanForm // "09:00-12:00"
	clockForm
	numberForm
	countForm // a whole number from 0
	capForm   // "2 per 30d"
	triesForm // "5 over 14 days"
	quietForm
	digestForm
	shareForm // "20%"
	promiseForm
	stepForm
	remindForm // "owner 1 working hour before"
	targetForm // "pool nordics"
	fileForm
	kindForm // text, number, boolean or date
)

// shape says how a construct of the language is written. A construct may be written in more than
// one way: as a scalar of some form, as a list, or as a mapping. The one table
// below is read by the checks, which find unknown and missing keys by it, and by the
// JSON Schema for editors.
type shape struct {
	what     string // in messages: "a duration"
	doc      string // for editors
	form     form
	words    []string
	list     *shape // items, when it may be a list
	least    int    // items at least
	keys     []key  // when it may be a mapping with fixed keys
	each     *shape // when it may be a mapping from names
	names    form   // what the names are: nameForm, emailForm, ...; textForm for those checked elsewhere
	optional bool   // the value may be left empty
	require  []string
}

// key is one fixed key of a construct.
type key struct {
	name  string
	doc   string
	shape *shape
}

var (
	sides     = []string{"marketing", "sales"}
	measures  = []string{"won_value", "won_count", "qualified_leads", "accepted_leads", "opportunities"}
	worths    = []string{"low", "medium", "high"}
	finals    = []string{"won", "lost", "disqualified", "walked_away"}
	keeps     = []string{"nothing", "fit", "engagement", "all"}
	methods   = []string{"round_robin", "least_loaded"}
	handlings = []string{"keep", "reassign"}
	speakers  = []string{"sales", "marketing", "originator", "both", "nobody"}
	events    = Events
	ways      = []string{"email", "slack", "teams", "webhook", "inbox"}
	kindWords = []string{"text", "number", "boolean", "date"}
)

// conditionKeys are the keys whose value is a condition.
var conditionKeys = map[string]bool{"when": true, "start": true, "pause": true, "stop": true}

var (
	textShape       = &shape{what: "a text", form: textForm}
	nameShape       = &shape{what: "a name", form: nameForm}
	definitionShape = &shape{what: "a text", form: textForm, doc: "What it means, in words that both sides agree on."}
	conditionShape  = &shape{what: "a condition", form: conditionForm, doc: "An expression such as `company.employees >= 200 and not (title contains \"student\")`."}
	durationShape   = &shape{what: "a duration", form: durationForm, doc: "A number and a unit: \"4 working hours\", \"1 working day\", \"90 days\"."}
	windowShape     = &shape{what: "a duration", form: windowForm, doc: "A number and a unit by the clock on the wall: \"30d\", \"36 hours\"."}
	emailShape      = &shape{what: "an e-mail address", form: emailForm}
	numberShape     = &shape{what: "a number", form: numberForm}
	countShape      = &shape{what: "a whole number", form: countForm}
	sideShape       = &shape{what: "a side", form: wordForm, words: sides}
	dateShape       = &shape{what: "a date", form: dateForm, doc: "Such as 2026-12-24."}
	clockShape      = &shape{what: "a time of day", form: clockForm, doc: "In quotes, such as \"12:00\"."}
	namesShape      = &shape{what: "a name or a list of names", form: nameForm, list: nameShape, least: 1}
	stepsShape      = &shape{what: "a list of steps", doc: "What happens at each breach, one step after the other.", least: 1,
		list: &shape{what: "a step", form: stepForm, doc: "remind owner, remind manager, reassign, reassign at most 2, escalate manager, escalate EMAIL, return to STAGE, or queue NAME."}}
	remindShape = &shape{what: "a list of reminders", doc: "Who is told that a deadline comes near, and when.", least: 1,
		list: &shape{what: "a reminder", form: remindForm, doc: "owner or manager, and how long before: \"owner 1 working hour before\"."}}
	kindShape = &shape{what: "a type or a list of choices", form: kindForm, words: kindWords, doc: "text, number, boolean, date, or a list of choices.",
		list: &shape{what: "a choice", form: textForm}, least: 1}
	spanListShape = &shape{what: "hours", form: spanForm, doc: "Hours such as \"09:00-12:00\", or a list of them.", least: 1,
		list: &shape{what: "hours", form: spanForm}}
	hoursShape = &shape{what: "working hours", form: wordForm, words: []string{"always"}, doc: "Days and their hours, {mon-fri: [\"09:00-17:00\"]}, or always.",
		each: spanListShape, names: textForm}
)

// definedShape is a list of names, or a mapping from names to what they mean.
func definedShape(doc string) *shape {
	return &shape{what: "a list of names, or a mapping from names to definitions", doc: doc, list: nameShape, names: nameForm,
		each: definedEach}
}

var definedEach = &shape{what: "a definition", form: textForm, optional: true, keys: []key{{"definition", "What it means, in words that both sides agree on.", definitionShape}}}

// IsPart reports whether a word is the key of a part of an agreement: the address of every clause begins with one.
func IsPart(word string) bool {
	return slices.ContainsFunc(language.keys, func(k key) bool { return k.name == word })
}

// language is the whole of an agreement.
var language = &shape{what: "an agreement", doc: "An agreement between marketing and sales.", require: []string{"agreement", "timezone", "parties", "stages"}, keys: []key{
	{"agreement", "The name of the agreement.", textShape},
	{"timezone", "The time zone of dates and working hours, such as Europe/Stockholm.", &shape{what: "a time zone", form: zoneForm}},
	{"parties", "Who signs.", &shape{what: "a mapping of the two parties", require: sides, keys: []key{
		{"marketing", "The side that finds leads.", partyShape},
		{"sales", "The side that wins them.", partyShape},
	}}},
	{"goals", "What both sides want to reach.", &shape{what: "a list of goals", list: &shape{what: "a goal", require: []string{"measure", "target", "by"}, keys: []key{
		{"name", "The name of the goal.", textShape},
		{"measure", "What is measured.", &shape{what: "a measure", form: wordForm, words: measures}},
		{"target", "How much of it.", numberShape},
		{"by", "The last day for it.", dateShape},
	}}}},
	{"calendar", "When people work; without it, always.", &shape{what: "a mapping", require: []string{"hours"}, keys: []key{
		{"hours", "Working hours by day.", hoursShape},
		{"holidays", "iCalendar files with holidays, by path relative to the agreement.", &shape{what: "a list of files", list: &shape{what: "a file", form: fileForm}}},
		{"closed", "Days, or parts of days, on which nobody works.", &shape{what: "a list of dates", list: &shape{what: "a date", form: dateForm, require: []string{"date"}, keys: []key{
			{"date", "The day.", dateShape},
			{"from", "When closing begins; the start of the day if absent.", clockShape},
			{"to", "When it ends; the end of the day if absent.", clockShape},
			{"name", "Why.", textShape},
		}}}},
	}}},
	{"attributes", "The vocabulary: what may be known of a lead, with its type. Names that begin with company. describe the account.",
		&shape{what: "a mapping from names to types", names: dottedForm, each: kindShape}},
	{"questions", "What people ask a lead; conditions name the answer answers.NAME.", &shape{what: "a mapping from names to questions", names: nameForm,
		each: &shape{what: "a type, a list of choices, or a question", form: kindForm, words: kindWords, list: kindShape.list, least: 1, require: []string{"type"}, keys: []key{
			{"ask", "The question as it is asked.", textShape},
			{"type", "The type of the answer.", kindShape},
		}}}},
	{"buying_stages", "How far a buyer has come, in order.", definedShape("In the order in which a buyer goes through them.")},
	{"activities", "What a lead can do.", &shape{what: "a mapping from names to activities", names: nameForm, each: &shape{what: "an activity", optional: true, keys: []key{
		{"value", "How telling it is.", &shape{what: "a value", form: wordForm, words: worths}},
		{"buying_stage", "The buying stage it speaks of.", nameShape},
		{"definition", "What counts as one.", definitionShape},
		{"properties", "What is known of one such activity; engagement rules name it properties.NAME.", &shape{what: "a mapping from names to types", names: nameForm, each: kindShape}},
	}}}},
	{"assets", "Pieces of content.", &shape{what: "a mapping from names to assets", names: nameForm, each: &shape{what: "an asset", optional: true, keys: []key{
		{"value", "How telling it is.", &shape{what: "a value", form: wordForm, words: worths}},
		{"buying_stage", "The buying stage it speaks of.", nameShape},
		{"definition", "What it is.", definitionShape},
	}}}},
	{"target_buyer", "The people and companies worth winning; conditions ask matches_buyer(\"NAME\").", &shape{what: "a mapping from names to buyers", names: nameForm,
		each: &shape{what: "a target buyer", require: []string{"when"}, keys: []key{
			{"definition", "Who it is, in words.", definitionShape},
			{"when", "Who it is, as a condition.", conditionShape},
		}}}},
	{"scoring", "Points for who a lead is (fit) and what it did (engagement).", &shape{what: "a mapping", keys: []key{
		{"fit", "Points for who a lead is.", &shape{what: "a mapping from names to fit rules", names: nameForm, each: &shape{what: "a fit rule", require: []string{"points", "when"}, keys: []key{
			{"points", "Points; may be negative.", numberShape},
			{"when", "Who gets them.", conditionShape},
		}}}},
		{"engagement", "Points for what a lead did.", &shape{what: "a mapping from names to engagement rules", names: nameForm, each: &shape{what: "an engagement rule", require: []string{"points"}, keys: []key{
			{"points", "Points for each time; may be negative.", numberShape},
			{"activity", "The activity, or one of several.", namesShape},
			{"asset", "The asset it was about.", nameShape},
			{"when", "Which of these activities count; may name properties.NAME.", conditionShape},
			{"at_most", "How often it counts, such as \"2 per 30d\".", &shape{what: "a cap", form: capForm}},
			{"half_life", "In this time the points lose half of their worth.", windowShape},
			{"expires", "After this time the points are gone.", windowShape},
		}}}},
		{"grade", "From which points on a lead has which grade.", &shape{what: "a mapping", require: []string{"fit", "engagement"}, keys: []key{
			{"fit", "The letter; below C is D.", &shape{what: "a mapping from A, B and C to points", require: []string{"A", "B", "C"}, keys: []key{
				{"A", "Points for an A.", numberShape}, {"B", "Points for a B.", numberShape}, {"C", "Points for a C.", numberShape}}}},
			{"engagement", "The figure; below 3 is 4.", &shape{what: "a mapping from 1, 2 and 3 to points", require: []string{"1", "2", "3"}, keys: []key{
				{"1", "Points for a 1.", numberShape}, {"2", "Points for a 2.", numberShape}, {"3", "Points for a 3.", numberShape}}}},
		}}},
	}}},
	{"readiness", "Five levels, from any response (1) to responsibility, budget and timeline (5); a lead has the highest that holds.",
		&shape{what: "a mapping from levels 1 to 5", names: countForm, each: &shape{what: "a readiness level", require: []string{"when"}, keys: []key{
			{"definition", "What it means, in words.", definitionShape},
			{"when", "What it means, as a condition.", conditionShape},
		}}}},
	{"stages", "Where a lead can be; it starts in the first.", &shape{what: "a mapping from names to stages", names: nameForm, each: &shape{what: "a stage", require: []string{"side"}, keys: []key{
		{"side", "Who works the lead here.", sideShape},
		{"definition", "What it means, in words.", definitionShape},
		{"final", "How a pass ends here.", &shape{what: "an end", form: wordForm, words: finals}},
		{"limit", "How long a lead may stay.", durationShape},
		{"remind", "Who is told before that is over.", remindShape},
		{"hours", "Working hours in which the limit runs, whosever the lead is.", hoursShape},
		{"on_breach", "What happens when it stayed longer.", stepsShape},
	}}}},
	{"transitions", "How leads move between stages.", &shape{what: "a mapping from names to transitions", names: nameForm, each: &shape{what: "a transition", require: []string{"from", "to"}, keys: []key{
		{"from", "The stage left, or one of several.", namesShape},
		{"to", "The stage entered.", nameShape},
		{"when", "Leads move by themselves when this holds.", conditionShape},
		{"by", "People of this side may move leads by hand.", sideShape},
	}}}},
	{"handoffs", "Marketing offers, sales accepts.", &shape{what: "a mapping from names to hand-offs", names: nameForm, each: &shape{what: "a hand-off", require: []string{"from", "to"}, keys: []key{
		{"from", "A lead that enters this stage is offered.", nameShape},
		{"to", "Where it goes when it is accepted.", nameShape},
		{"assign", "Who gets it: the section assignment.", &shape{what: "the word assignment", form: wordForm, words: []string{"assignment"}}},
		{"accept_within", "The deadline for accepting or rejecting.", durationShape},
		{"contact_within", "The deadline for the first human contact, from acceptance.", durationShape},
		{"remind", "Who is told before a deadline of it is over.", remindShape},
		{"hours", "Working hours in which its deadlines run, whosever the lead is.", hoursShape},
		{"on_breach", "What happens when it is not accepted in time.", stepsShape},
		{"on_no_contact", "What happens without contact in time; as on_breach if absent.", stepsShape},
		{"reject", "The hand-backs that may be given as a reason.", namesShape},
	}}}},
	{"handbacks", "The reasons for which sales returns or rejects a lead, and what follows.", &shape{what: "a mapping from names to hand-backs", names: nameForm, each: &shape{what: "a hand-back", keys: []key{
		{"to", "The stage the lead goes to.", nameShape},
		{"track", "The nurture track it is put on.", nameShape},
		{"revisit", "After this time it is looked at again.", windowShape},
		{"keep", "What of the score stays.", &shape{what: "what to keep", form: wordForm, words: keeps}},
		{"definition", "When to give this reason.", definitionShape},
	}}}},
	{"tracks", "Nurture tracks.", definedShape("")},
	{"pools", "Groups of people who share leads.", &shape{what: "a list of names, or a mapping from names to definitions", list: nameShape, names: nameForm,
		each: &shape{what: "a definition", form: textForm, optional: true, keys: []key{
			{"definition", "What it means, in words that both sides agree on.", definitionShape},
			{"hours", "Working hours of its members who have none of their own.", hoursShape},
			{"timezone", "Their time zone.", &shape{what: "a time zone", form: zoneForm}},
		}}}},
	{"queues", "Where leads wait that nobody has yet.", definedShape("")},
	{"territories", "Which leads belong where; people take some, and assignment matches them.", traitShape},
	{"languages", "Which leads speak what.", traitShape},
	{"skills", "Which leads ask for what knowledge.", traitShape},
	{"absences", "What becomes of what somebody holds who is away, or has left the team.", &shape{what: "a mapping", keys: []key{
		{"away", "While somebody is away.", &shape{what: "a mapping", keys: []key{
			{"offered", "What they have been offered: keep (it waits), or reassign.", handlingShape},
			{"accepted", "What they have accepted: keep, or reassign.", handlingShape},
			{"clocks", "Their deadlines: run, or pause until they are back.", &shape{what: "what deadlines do", form: wordForm, words: []string{"run", "pause"}}},
		}}},
		{"left", "When somebody has left the team.", &shape{what: "a mapping", keys: []key{
			{"offered", "What they have been offered: keep, or reassign.", handlingShape},
			{"accepted", "What they have accepted: keep, or reassign.", handlingShape},
		}}},
	}}},
	{"people", "The team, by e-mail address; people can also join later.", &shape{what: "a mapping from e-mail addresses to people", names: emailForm, each: &shape{what: "a person", require: []string{"side"}, keys: []key{
		{"name", "The name.", textShape},
		{"side", "The side.", sideShape},
		{"manager", "The e-mail address of the manager.", emailShape},
		{"pools", "The pools this person takes leads of.", namesShape},
		{"weight", "The share of a pool; 1 if absent.", countShape},
		{"capacity", "Open hand-offs at most; 0 for no limit.", countShape},
		{"per_day", "Hand-offs on one day at most; 0 for no limit.", countShape},
		{"territories", "The territories this person takes.", namesShape},
		{"languages", "The languages this person speaks.", namesShape},
		{"skills", "What this person knows about.", namesShape},
		{"accounts", "Domains of the accounts that are this person's by name.", &shape{what: "a domain or a list of domains", form: textForm, list: textShape, least: 1}},
		{"hours", "Working hours, if other than the agreement's.", hoursShape},
		{"timezone", "The time zone, if other than the agreement's.", &shape{what: "a time zone", form: zoneForm}},
	}}}},
	{"assignment", "Who gets a lead: the first rule that holds and finds somebody decides.", &shape{what: "a list of rules", least: 1, list: &shape{what: "a rule", require: []string{"to"}, keys: []key{
		{"name", "The name of the rule.", textShape},
		{"when", "For which leads; for all if absent.", conditionShape},
		{"to", "account.owner, account.named, pool NAME, queue NAME, or an e-mail address.", &shape{what: "somebody to assign to", form: targetForm}},
		{"match", "Only those of the pool who take the lead's territory, speak its language, have the skills it asks for.", matchShape},
		{"by", "How a pool shares leads out.", &shape{what: "a method", form: wordForm, words: methods}},
		{"otherwise", "queue NAME, when nobody of the pool can take it.", &shape{what: "a queue", form: targetForm}},
	}}}},
	{"clocks", "Deadlines of your own, beside those of stages and hand-offs.", &shape{what: "a mapping from names to clocks", names: nameForm, each: &shape{what: "a clock", require: []string{"start", "stop", "within"}, keys: []key{
		{"definition", "What it watches.", definitionShape},
		{"start", "When it starts.", conditionShape},
		{"pause", "While this holds it stands still.", conditionShape},
		{"stop", "When it is met.", conditionShape},
		{"within", "The time allowed.", durationShape},
		{"remind", "Who is told before it is over.", remindShape},
		{"hours", "Working hours in which it runs, whosever the lead is.", hoursShape},
		{"on_breach", "What happens when the time is over.", stepsShape},
	}}}},
	{"tele_qualification", "The queue of leads that wait to be called.", &shape{what: "a mapping", require: []string{"stages", "lease", "attempts", "exhausted"}, keys: []key{
		{"definition", "What the calls are for.", definitionShape},
		{"stages", "A lead waits to be called while it is in this stage, or one of several.", namesShape},
		{"when", "And while this holds; always if absent.", conditionShape},
		{"by", "The side whose people call; either if absent.", sideShape},
		{"channel", "The channel of the calls: who may not use it to speak to a lead does not find it in the queue.", nameShape},
		{"lease", "How long whoever takes a lead has it to themselves.", durationShape},
		{"attempts", "How many tries that reach nobody, and in which time: \"5 over 14 days\".", &shape{what: "a number of tries", form: triesForm}},
		{"spacing", "The time between two tries; none if absent.", durationShape},
		{"exhausted", "The hand-back that follows when the tries, or their time, are used up.", nameShape},
		{"outcomes", "Calls after which no other try makes sense, and the hand-back that follows.", &shape{what: "a mapping from outcomes to hand-backs", names: textForm, each: nameShape}},
	}}},
	{"sales_qualification", "What sales asks itself before it puts its effort into a lead.", &shape{what: "a mapping", keys: []key{
		{"definition", "What it is for.", definitionShape},
		{"before", "The stage to which no transition leads before the answers are there.", nameShape},
		{"questions", "The questions whose answers are needed, and what the team means by each.", &shape{what: "a mapping from questions to definitions", names: nameForm,
			each: &shape{what: "a definition", form: textForm, optional: true, keys: []key{
				{"definition", "What the team means by it.", definitionShape},
				{"when", "What has to hold; yes to a question of yes or no, and any answer to another, if absent.", conditionShape},
			}}}},
		{"expected_return", "How much has to be expected of a lead for its effort.", &shape{what: "a mapping", require: []string{"hour_costs", "at_least"}, keys: []key{
			{"hour_costs", "What an hour of effort costs.", numberShape},
			{"at_least", "So many times what the effort costs has to be expected.", numberShape},
		}}},
		{"probability", "How likely a lead in a stage is won, where nobody has said.", &shape{what: "a mapping from stages to shares", names: nameForm,
			each: &shape{what: "a share", form: shareForm, doc: "Such as \"20%\"."}}},
		{"competitors", "Whom else a lead may buy from.", &shape{what: "a mapping from names to competitors", names: nameForm, each: &shape{what: "a competitor", optional: true, keys: []key{
			{"definition", "Who they are.", definitionShape},
			{"strengths", "Where they are strong.", &shape{what: "a text or a list of texts", form: textForm, list: textShape, least: 1}},
			{"answer", "What we say to that.", textShape},
		}}}},
		{"walk_away", "The reasons for which sales leaves a lead to others.", &shape{what: "a mapping from reasons to definitions", names: nameForm, each: definedEach}},
	}}},
	{"channels", "The ways to reach a lead.", definedShape("")},
	{"alerts", "Whom to tell of what.", &shape{what: "a mapping from names to alerts", names: nameForm, each: &shape{what: "an alert", require: []string{"event", "to"}, keys: []key{
		{"event", "What happened.", &shape{what: "an event", form: wordForm, words: events}},
		{"activity", "Which activity, of the event activity.", namesShape},
		{"when", "For which leads; for all if absent.", conditionShape},
		{"to", "owner, manager, marketing, sales, or e-mail addresses.", &shape{what: "people", form: textForm, least: 1, list: textShape}},
		{"by", "Which way.", &shape{what: "a way", form: wordForm, words: ways, least: 1, list: &shape{what: "a way", form: wordForm, words: ways}}},
		{"quiet", "When messages wait: outside working hours, hours such as \"18:00-08:00\", or none.", &shape{what: "quiet hours", form: quietForm}},
		{"digest", "Gathers what there is to say into one message: daily at 08:30, or every 1h.", &shape{what: "a digest", form: digestForm}},
		{"at_most", "How many messages about one lead somebody gets, such as \"1 per 1h\"; the others are left out.", &shape{what: "a cap", form: capForm}},
	}}}},
	{"rules_of_engagement", "Who may speak to a lead: the first rule that holds decides.", &shape{what: "a list of rules", least: 1, list: &shape{what: "a rule", require: []string{"speaks"}, keys: []key{
		{"name", "The name of the rule.", textShape},
		{"when", "For which leads; for all if absent.", conditionShape},
		{"speaks", "Who holds the conversation.", &shape{what: "a speaker", form: wordForm, words: speakers}},
		{"marketing", "Channels that marketing may use all the same: none, all, or names.", namesShape},
		{"sales", "Channels that sales may use all the same: none, all, or names.", namesShape},
	}}}},
	{"commitments", "What each side promises per period.", &shape{what: "a mapping of the two sides", keys: []key{
		{"marketing", "What marketing promises.", promisesShape},
		{"sales", "What sales promises.", promisesShape},
	}}},
	{"renamed", "Names of the version before that are called otherwise now.", &shape{what: "a mapping", keys: []key{
		{"stages", "Stages, old: new.", renamesShape},
		{"attributes", "Attributes, old: new.", renamesShape},
		{"questions", "Questions, old: new.", renamesShape},
		{"buying_stages", "Buying stages, old: new.", renamesShape},
		{"activities", "Activities, old: new.", renamesShape},
		{"assets", "Assets, old: new.", renamesShape},
		{"fit", "Rules of scoring.fit, old: new.", renamesShape},
		{"engagement", "Rules of scoring.engagement, old: new. Their points stay.", renamesShape},
		{"handoffs", "Hand-offs, old: new.", renamesShape},
		{"handbacks", "Reasons to hand back, old: new.", renamesShape},
		{"tracks", "Nurture tracks, old: new.", renamesShape},
		{"clocks", "Clocks, old: new.", renamesShape},
		{"pools", "Pools, old: new.", renamesShape},
		{"queues", "Queues, old: new.", renamesShape},
	}}},
	{"brief", "What a rep is told of a lead.", &shape{what: "a mapping", keys: []key{
		{"activities", "How many of the most telling activities; 3 if absent.", countShape},
		{"show", "Attributes, in order; all that is known if absent.", namesShape},
	}}},
}}

var (
	traitShape = &shape{what: "a mapping from names to what they mean", names: nameForm, each: &shape{what: "a mapping", require: []string{"when"}, keys: []key{
		{"definition", "What it means, in words.", definitionShape},
		{"when", "For which leads.", conditionShape},
	}}}
	handlingShape = &shape{what: "what becomes of it", form: wordForm, words: handlings}
	matchShape    = &shape{what: "territory, language or skill, or a list of them", form: wordForm, words: traitWords[:], least: 1,
		list: &shape{what: "territory, language or skill", form: wordForm, words: traitWords[:]}}
	partyShape = &shape{what: "a party", require: []string{"signatory"}, keys: []key{
		{"signatory", "Who signs for this side.", emailShape},
	}}
	promisesShape = &shape{what: "a mapping from measures to commitments", names: textForm,
		each: &shape{what: "a commitment", form: promiseForm, doc: "Such as \"at least 120 per month\" or \"at least 95% per month\"."}}
	renamesShape = &shape{what: "a mapping from old names to new ones", names: textForm, each: nameShape}
)

// Measure is something a side can promise.
type Measure struct {
	Name    string
	Percent bool // a share, in percent
}

// Measures lists what commitments may promise.
var Measures = []Measure{
	{"qualified_leads", false}, {"accepted_leads", false}, {"opportunities", false}, {"won_count", false}, {"won_value", false},
	{"accepted_in_time", true}, {"contacted_in_time", true}, {"acceptance_rate", true},
}
