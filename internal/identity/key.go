package identity

// Key is one way to know who somebody is. Two inputs with the same key are about
// the same lead.
type Key struct {
	Kind  Kind
	Value string // normalised; see the functions that make keys
}

// Kind is the kind of a key.
type Kind uint8

// The kinds, from the one that says most to the one that says least.
const (
	Email     Kind = iota + 1 // a normalised e-mail address
	External                  // the ID of another system, with its name: "crm:0031"
	Phone                     // E.164
	Anonymous                 // a browser
)

// String returns the word of files and views.
func (k Kind) String() string { return [...]string{"", "email", "id", "phone", "anonymous"}[k] }

// Identifies reports whether the key says who somebody is. A phone number and a browser can be shared.
func (k Key) Identifies() bool { return k.Kind == Email || k.Kind == External }
