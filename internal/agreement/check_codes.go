package agreement

// The codes of findings are stable: they stand in documents, in tests and in
// people's notes. A code is never given a second meaning.
const (
	codeTooLarge   = "A01"
	codeEncoding   = "A02"
	codeMark       = "A03"
	codeReturns    = "A04"
	codeTab        = "A05"
	codeSyntax     = "A06"
	codeDepth      = "A07"
	codeValues     = "A08"
	codeAlias      = "A09"
	codeFeature    = "A10"
	codeDocuments  = "A11"
	codeTwice      = "A12"
	codeEmpty      = "A13"
	codeBoolean    = "A14"
	codeSexagesima = "A15"
	codeOctal      = "A16"
	codeUnquoted   = "A17"

	codeKey      = "A20"
	codeRequired = "A21"
	codeType     = "A22"
	codeNothing  = "A23"
	codeName     = "A24"
	codeSameName = "A25"
	codeUnknown  = "A26"
	codeWord     = "A27"

	codeDuration = "A30"
	codeHours    = "A31"
	codeZone     = "A32"
	codeEmail    = "A33"
	codeDate     = "A34"
	codeNumber   = "A35"
	codeOverlap  = "A36"
	codeHolidays = "A37"
	codeStep     = "A38"
	codePromise  = "A39"
	codeTarget   = "A40"
	codeNoHours  = "A41"
	codeRenamed  = "A42"
	codeQuiet    = "A43"
	codeDigest   = "A44"
	codeAttempts = "A45"
	codeNoEffect = "A46"
	codeReminder = "A47"
	codeShare    = "A48"

	codeUnreached = "A50"
	codeStuck     = "A51"
	codeNoWon     = "A52"
	codeLoop      = "A53"
	codeStart     = "A54"
	codeIdle      = "A55"
	codeHidden    = "A56"

	codeThreshold  = "A60"
	codeDescending = "A61"
	codeFades      = "A62"
	codeCap        = "A63"
	codePoints     = "A64"
	codeReadiness  = "A65"
	codeOnNothing  = "A66"

	codeNoDeadline = "A70"
	codeNoOwner    = "A71"
	codeNoWayBack  = "A72"
	codeDirection  = "A73"
	codeTwoOffers  = "A74"
	codeLateStep   = "A75"
	codeNowhere    = "A76"
	codeBounces    = "A77"

	codeNobody     = "A80"
	codeEmptyPool  = "A81"
	codeNoLastRule = "A82"
	codeMatch      = "A83"
	codeAccount    = "A84"

	codeCallsAgain   = "A85"
	codeCallsOffered = "A86"
	codeUnasked      = "A87"
	codeNoWalk       = "A88"

	codeLayout = "A90"

	codeMore = "A99"
)

// findingCodes is the table of what can be found, for documents and tests.
// Conditions have their own, C...
var findingCodes = []struct{ Code, About string }{
	{codeTooLarge, "the file is too large"},
	{codeEncoding, "the file is not UTF-8 text"},
	{codeMark, "the file begins with a byte-order mark"},
	{codeReturns, "lines end with carriage returns"},
	{codeTab, "a tab where YAML wants spaces"},
	{codeSyntax, "not YAML"},
	{codeDepth, "nested too deep"},
	{codeValues, "too many values"},
	{codeAlias, "an anchor, an alias or a merge key"},
	{codeFeature, "a part of YAML that agreements do without"},
	{codeDocuments, "more than one document in the file"},
	{codeTwice, "a key stands twice"},
	{codeEmpty, "the file is empty"},
	{codeBoolean, "a word that some readers of YAML take for a boolean"},
	{codeSexagesima, "a time that some readers of YAML take for a number"},
	{codeOctal, "a number that some readers of YAML take for an octal one"},
	{codeUnquoted, "a text that YAML takes for something else"},
	{codeKey, "an unknown key"},
	{codeRequired, "something required is missing"},
	{codeType, "a value of another type"},
	{codeNothing, "an empty value"},
	{codeName, "not a name, or a name with a meaning of its own"},
	{codeSameName, "two of the same name"},
	{codeUnknown, "an unknown name"},
	{codeWord, "not one of the words allowed"},
	{codeDuration, "not a duration"},
	{codeHours, "not hours or days"},
	{codeZone, "not a time zone"},
	{codeEmail, "not an e-mail address"},
	{codeDate, "not a date"},
	{codeNumber, "not a number, or out of bounds"},
	{codeOverlap, "hours that overlap"},
	{codeHolidays, "a holiday file that cannot be read"},
	{codeStep, "not a step"},
	{codePromise, "not a commitment"},
	{codeTarget, "not somebody to assign to"},
	{codeNoHours, "working time without working hours"},
	{codeRenamed, "a rename that renames nothing"},
	{codeQuiet, "not quiet hours"},
	{codeDigest, "not a digest"},
	{codeAttempts, "not a number of tries"},
	{codeNoEffect, "a key of an alert that changes nothing there"},
	{codeReminder, "not a reminder, or one that never comes"},
	{codeShare, "not a share"},
	{codeUnreached, "a stage nobody can reach"},
	{codeStuck, "a stage nobody can leave"},
	{codeNoWon, "no stage that is won"},
	{codeLoop, "automatic transitions that can loop"},
	{codeStart, "leads start in a stage that ends"},
	{codeIdle, "a transition that moves nobody"},
	{codeHidden, "a rule that an earlier one always hides"},
	{codeThreshold, "a threshold no lead could reach"},
	{codeDescending, "thresholds that do not descend"},
	{codeFades, "points that both halve and expire"},
	{codeCap, "not a cap"},
	{codePoints, "no points"},
	{codeReadiness, "not a readiness level"},
	{codeOnNothing, "engagement with nothing"},
	{codeNoDeadline, "a hand-off with no deadline"},
	{codeNoOwner, "a hand-off with no owner"},
	{codeNoWayBack, "a hand-off with no way back"},
	{codeDirection, "a hand-off that does not go from marketing to sales"},
	{codeTwoOffers, "two hand-offs from one stage"},
	{codeLateStep, "a step that never comes"},
	{codeNowhere, "a hand-back that leads nowhere"},
	{codeBounces, "a hand-back that the next input takes back"},
	{codeNobody, "an assignment that leaves a lead with nobody"},
	{codeEmptyPool, "a pool with nobody in it"},
	{codeNoLastRule, "rules of engagement without a last word"},
	{codeCallsAgain, "tries that lead back to where they began"},
	{codeCallsOffered, "leads that are offered and called at the same time"},
	{codeMatch, "a match that finds nobody, or asks for nothing"},
	{codeAccount, "not an account that is one person's by name"},
	{codeUnasked, "a stage that cannot ask before it is entered"},
	{codeNoWalk, "reasons to walk away, and no way"},
	{codeLayout, "a file that formatting leaves as it is"},
	{codeMore, "more findings than are shown"},
}
