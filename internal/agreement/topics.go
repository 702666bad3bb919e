package agreement

// A topic is something a condition can depend on and an input can change. The
// fixed topics come first, then one for each attribute, question and activity.
const (
	TopicTime       = iota // the truth may change by time alone
	TopicFit               // fit points
	TopicEngagement        // engagement points
	TopicGrade
	TopicReadiness
	TopicStage
	TopicPass
	TopicOrigin
	TopicOwner
	TopicAccountOwner
	TopicHandoff // state of the hand-off, contact
	TopicBuyingStage
	TopicActivities // the number of all activities
	TopicProperties // properties of the activity at hand
	topicFirst
)

// Topics is a set of topics, one bit each.
type Topics []uint64

// AttributeTopic, QuestionTopic and ActivityTopic number the topics of the vocabulary.
func (p *Plan) AttributeTopic(slot int) int { return topicFirst + slot }

// QuestionTopic returns the topic of answers.NAME.
func (p *Plan) QuestionTopic(slot int) int { return topicFirst + len(p.Attributes) + slot }

// ActivityTopic returns the topic of an activity having been done.
func (p *Plan) ActivityTopic(slot int) int {
	return topicFirst + len(p.Attributes) + len(p.Questions) + slot
}

// NewTopics returns an empty set for topics numbered 0 to n-1.
func NewTopics(n int) Topics { return make(Topics, (n+63)/64) }

// Add puts topic i into the set.
func (t Topics) Add(i int) { t[i>>6] |= 1 << (i & 63) }

// Has reports whether topic i is in the set.
func (t Topics) Has(i int) bool { return i>>6 < len(t) && t[i>>6]&(1<<(i&63)) != 0 }

// Merge adds all of u.
func (t Topics) Merge(u Topics) {
	for i := range u {
		t[i] |= u[i]
	}
}

// Overlaps reports whether the sets share a topic.
func (t Topics) Overlaps(u Topics) bool {
	for i := range min(len(t), len(u)) {
		if t[i]&u[i] != 0 {
			return true
		}
	}
	return false
}
