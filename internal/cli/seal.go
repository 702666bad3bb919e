package cli

import (
	"baton/internal/seal"
	"baton/internal/store"
)

// sealKey is the setting of commands that keep or open secrets.
type sealKey struct {
	SealKey string `help:"Key that secrets are sealed with, in base64; beside a SQLite file one is made (FILE.key)." placeholder:"KEY" env:"BATON_SEAL_KEY"`
}

// keys returns the keys that secrets of a database are sealed with; nil for a database on a server without the setting.
func (k *sealKey) keys(d *database) (*seal.Keys, error) {
	if k.SealKey != "" || store.IsURL(d.DB) {
		return seal.Parse(k.SealKey)
	}
	return seal.File(d.DB + ".key")
}
