package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/store"
)

// Key is what is kept of a key: not the key.
type Key struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name" example:"crm"`
	Scope     string     `json:"scope" enum:"track,read,write,admin"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at,omitempty" doc:"When it was last used, to the minute."`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

func apiKeyOf(k *store.APIKey) Key {
	return Key{k.ID, k.Name, k.Scope, moment(k.CreatedAt), perhaps(k.UsedAt), perhaps(k.RevokedAt)}
}

type keysAnswer struct {
	Body struct {
		Items []Key `json:"items" doc:"All there ever were, by number."`
	}
}

type newKeyRequest struct {
	Body struct {
		Name  string `json:"name" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" doc:"Who uses it. Keys of one name are one sender, so that one can take the place of another." example:"crm"`
		Scope string `json:"scope" enum:"track,read,write,admin" doc:"What it may do: write includes read, admin includes write; track only sends events."`
	}
}

type newKeyAnswer struct {
	Location string `header:"Location"`
	Body     struct {
		Key
		Secret string `json:"secret" doc:"The key itself. It is shown this once." example:"baton_read_…"`
	}
}

type keyRef struct {
	ID int64 `path:"key" minimum:"1" doc:"Its number."`
}

func (a *API) keyRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/keys", OperationID: "list-keys", Tags: []string{"Keys"}, Summary: "List the keys",
		Description: "Without the keys themselves: nobody has those any more."}, ScopeAdmin, a.listKeys)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/keys", OperationID: "make-key", Tags: []string{"Keys"}, Summary: "Make a key",
		Description: "Only its SHA-256 is kept.", DefaultStatus: 201, Errors: []int{400, 422}}, ScopeAdmin, a.makeKey)
	register(a, huma.Operation{Method: http.MethodDelete, Path: "/keys/{key}", OperationID: "revoke-key", Tags: []string{"Keys"}, Summary: "Revoke a key",
		Description: "At once here; other processes on the same database let it in for up to five seconds more.", Errors: []int{404}}, ScopeAdmin, a.revokeKey)
}

func (a *API) listKeys(ctx context.Context, _ *struct{}) (*keysAnswer, error) {
	list, err := a.Store.APIKeys(ctx)
	out := &keysAnswer{}
	out.Body.Items = []Key{}
	for i := range list {
		out.Body.Items = append(out.Body.Items, apiKeyOf(&list[i]))
	}
	return out, err
}

// MakeKey makes a key. This is the only time that it can be seen. A name or a scope that is none is a Problem.
func (a *API) MakeKey(ctx context.Context, name, scope string) (secret string, key store.APIKey, err error) {
	secret, key, err = NewKey(ctx, a.Store, name, scope, a.now())
	var unfit *unfitKey
	if errors.As(err, &unfit) {
		err = problemOf("invalid", unfit.Error())
	}
	return secret, key, err
}

func (a *API) makeKey(ctx context.Context, in *newKeyRequest) (*newKeyAnswer, error) {
	secret, key, err := a.MakeKey(ctx, in.Body.Name, in.Body.Scope)
	if err != nil {
		return nil, err
	}
	out := &newKeyAnswer{Location: restPath + "/keys/" + strconv.FormatInt(key.ID, 10)}
	out.Body.Key, out.Body.Secret = apiKeyOf(&key), secret
	return out, nil
}

// RevokeKey ends a key, here at once.
func (a *API) RevokeKey(ctx context.Context, id int64) error {
	err := a.Store.RevokeKey(ctx, id, a.now())
	if err == nil {
		a.keys.forget(id)
	}
	return err
}

func (a *API) revokeKey(ctx context.Context, in *keyRef) (*struct{}, error) {
	return nil, a.RevokeKey(ctx, in.ID)
}
