package store_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"baton/internal/pgtest"
	"baton/internal/store"
)

// Files are kept as they came, on both databases, and forgotten when their time is over.
func TestUploadsAreKeptAndForgotten(t *testing.T) {
	for kind, name := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "baton.db"), "postgres": pgtest.Database(t)} {
		t.Run(kind, func(t *testing.T) {
			st := openStore(t, name)
			ctx := store.As(t.Context(), store.Actor{Name: "ann@northwind.example"})
			big := make([]byte, 2<<20+77)
			chance := rand.NewChaCha8([32]byte{7})
			_, _ = chance.Read(big)
			var list []store.Upload
			for i, data := range [][]byte{big, {}, []byte("a,b\n1,2\n"), make([]byte, 1<<20)} {
				u, err := st.AddUpload(ctx, store.Upload{File: "f.csv", Size: int64(len(data)), At: int64(i + 1), Header: "h", Look: "{}", Form: "{}"}, bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				var got bytes.Buffer
				if err := st.WriteFile(ctx, store.UploadedFile, u.ID, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
					t.Errorf("file %d: %d bytes of %d: %v", i, got.Len(), len(data), err)
				}
				list = append(list, u)
			}
			if list[0].Actor != "ann@northwind.example" {
				t.Errorf("sent by %q", list[0].Actor)
			}
			if err := st.MapUpload(ctx, list[2].ID, `{"a":1}`); err != nil {
				t.Fatal(err)
			}
			if err := st.TellUpload(ctx, list[2].ID, `{}`, "stale"); err != nil {
				t.Fatal(err)
			}
			if err := st.TellUpload(ctx, list[2].ID, `{"a":1}`, "fresh"); err != nil {
				t.Fatal(err)
			}
			u, err := st.Upload(ctx, list[2].ID)
			if err != nil || u.Told != "fresh" {
				t.Fatalf("%+v %v", u, err)
			}
			if err := st.MapUpload(ctx, u.ID, `{"a":2}`); err != nil {
				t.Fatal(err)
			}
			if u, err = st.Upload(ctx, u.ID); err != nil || u.Told != "" {
				t.Errorf("told of another form: %+v %v", u, err)
			}
			for _, form := range []string{`{"a":2}`, `{"a":3}`} {
				u.Form = form
				if err := st.TakeUpload(ctx, u, 9, 5); err != nil {
					t.Fatal(err)
				}
				if got, err := st.MappingOf(ctx, "h"); got != form || err != nil {
					t.Errorf("%s %v", got, err)
				}
			}
			if of, err := st.UploadOfImport(ctx, 9); err != nil || of.ID != u.ID {
				t.Errorf("%+v %v", of, err)
			}
			if waiting, err := st.Uploads(ctx, 2); len(waiting) != 2 || waiting[0].ID != list[3].ID || err != nil {
				t.Errorf("%v %v", waiting, err)
			}
			if err := st.EmptyUpload(ctx, u.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := st.UploadOfImport(ctx, 9); !errors.Is(err, store.ErrNoUpload) {
				t.Errorf("its file is there still: %v", err)
			}
			if err := st.RemoveUpload(ctx, &list[1], 6); err != nil {
				t.Fatal(err)
			}
			if err := st.ForgetFiles(ctx, 4); err != nil {
				t.Fatal(err)
			}
			for i, there := range []bool{false, false, false, true} {
				_, err := st.Upload(ctx, list[i].ID)
				kept, err2 := st.HasFile(ctx, store.UploadedFile, list[i].ID)
				if there != (err == nil) || there != kept || err2 != nil {
					t.Errorf("upload %d: %v %v", i, err, kept)
				}
			}
		})
	}
}
