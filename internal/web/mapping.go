package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/imports"
	"baton/internal/lifecycle"
)

// mappingPage is what the columns of a file become.
type mappingPage struct {
	ID         int64
	File, Line string   // what it is, in a line
	Delimiters []option // what may separate its fields
	Columns    []columnRow
	Left       []string // columns that no mapping can read, and why
	Groups     []optionGroup
	Activities []option
	Assets     []option
	Origins    []option
	Choices    *imports.Choices
	HasTime    bool // a column says when
	Wrong      []string
	Text       string // the mapping
	Preview    []previewRow
	Refused    int // rows of the preview
	Ready      bool
}

type optionGroup struct {
	Label   string
	Options []option
}

// columnRow is a column, and what it becomes.
type columnRow struct {
	N        string // its place, for the names of fields
	Name     string
	Samples  string
	Filled   string // in how many rows, "" for all
	Becomes  string
	Layouts  []optionGroup
	Decimals []option
	Words    []wordRow
	Wrong    string
}

// wordRow is a word of the file that the agreement does not have.
type wordRow struct {
	N, Text, Rows string
	Options       []option
}

// previewRow is a row of the file as it would be taken in.
type previewRow struct {
	Line    string
	Who     string
	Company string
	Does    []previewPart
	Refused []string
	Skipped bool
}

// previewPart is one thing that comes out of a row.
type previewPart struct {
	What, When string
	Facts      []previewFact
}

// previewFact is something that a row says, with its name; "" for what needs none.
type previewFact struct{ Name, Value string }

func showMapping(a *ask) (answer, error) {
	u, moved, err := a.uploadOf()
	if err != nil || moved != nil {
		return moved, err
	}
	return page{title: u.File, body: mappingBody(a.mappingPage(u))}, nil
}

// chosenOf finds the file of an address, and keeps what was chosen for it. again is whether that is what parts its fields: the file is read again
// then, and what was chosen for the columns it had does not count.
func (a *ask) chosenOf() (u *api.Upload, again bool, moved answer, err error) {
	if u, moved, err = a.uploadOf(); err != nil || moved != nil {
		return u, false, moved, err
	}
	to := a.PostFormValue("delimiter")
	if a.PostForm.Has("delimiter") && u.Look != nil && to != u.Look.Chosen && a.PostFormValue("own") == "" && (to == "" || slices.Contains(imports.Delimiters(), to)) {
		return u, true, nil, a.site.API.LookAgain(a.Context(), u, to)
	}
	return u, false, nil, a.chosen(u)
}

// previewUpload keeps what was chosen and shows what that makes of the first rows.
func previewUpload(a *ask) (answer, error) {
	u, again, moved, err := a.chosenOf()
	var wrong *api.Problem
	if again && errors.As(err, &wrong) && wrong.Status < 500 { // it stands as it was
		p := a.mappingPage(u)
		p.Ready, p.Preview, p.Wrong = false, nil, []string{sentence(wrong.Detail)}
		return part{mappingForm(p)}, nil
	}
	if err != nil || moved != nil {
		return moved, err
	}
	return part{mappingForm(a.mappingPage(u))}, nil
}

// mapUpload keeps what was chosen, and checks the whole file or only shows the preview.
func mapUpload(a *ask) (answer, error) {
	u, again, moved, err := a.chosenOf()
	switch {
	case again && err != nil:
		return a.importRefused(err, uploadURL(u.ID, ""))
	case again:
		return redirect{to: uploadURL(u.ID, "")}, nil
	case err != nil || moved != nil:
		return moved, err
	}
	p := a.mappingPage(u)
	if a.PostFormValue("do") != "check" || !p.Ready {
		return redirect{to: uploadURL(u.ID, "")}, nil
	}
	if err := a.site.API.CheckUpload(a.Context(), u, importPatience); err != nil {
		return a.importRefused(err, uploadURL(u.ID, ""))
	}
	return redirect{to: uploadURL(u.ID, "/check")}, nil
}

// chosen reads the form into the upload and keeps it.
func (a *ask) chosen(u *api.Upload) error {
	if u.Look == nil {
		return errNotFound
	}
	c := &imports.Choices{
		Name: strings.TrimSpace(a.PostFormValue("name")), Columns: map[string]imports.Choice{}, Activity: a.PostFormValue("activity"), Asset: a.PostFormValue("asset"), Origin: a.PostFormValue("origin"),
		AtImport: a.PostFormValue("known") == "import", KeepFirst: a.PostFormValue("keep") == "first", Drop: a.PostFormValue("unknown") == "drop", FromEmail: a.PostFormValue("from_email") != "",
	}
	if a.PostFormValue("own") != "" {
		c.Text = strings.ReplaceAll(a.PostFormValue("text"), "\r\n", "\n")
	}
	targets := imports.Targets(a.plan)
	for i := range u.Look.Columns {
		col, n := &u.Look.Columns[i], strconv.Itoa(i)
		if col.Kind != "" {
			continue
		}
		ch := imports.Choice{Becomes: a.PostFormValue("c" + n), Layout: a.PostFormValue("l" + n), Decimal: a.PostFormValue("d" + n), Words: map[string]string{}}
		if k := slices.IndexFunc(targets, func(t imports.Target) bool { return t.Name == ch.Becomes }); k >= 0 {
			for j, w := range targets[k].Unread(col) {
				switch to := a.PostFormValue("w" + n + "." + strconv.Itoa(j)); to {
				case "":
				case "-":
					ch.Words[w.Text] = ""
				default:
					ch.Words[w.Text] = to
				}
			}
		}
		if ch.Layout != "" && !slices.Contains(imports.Layouts(), ch.Layout) {
			ch.Layout = ""
		}
		c.Columns[col.Name] = ch
	}
	known := func(name string, list int, of func(int) string) string {
		for i := range list {
			if of(i) == name {
				return name
			}
		}
		return ""
	}
	c.Activity = known(c.Activity, len(a.plan.Activities), func(i int) string { return a.plan.Activities[i].Name })
	c.Asset = known(c.Asset, len(a.plan.Assets), func(i int) string { return a.plan.Assets[i].Name })
	c.Origin = known(c.Origin, 2, func(i int) string { return []string{"marketing", "sales"}[i] })
	c.Complete(u.Look, a.plan)
	u.Choices = c
	return a.site.API.MapUpload(a.Context(), u)
}

// mappingPage works out what the choices make of the file. It asks nothing of the database.
func (a *ask) mappingPage(u *api.Upload) mappingPage {
	c, l := u.Choices, u.Look
	c.Complete(l, a.plan)
	p := mappingPage{ID: u.ID, File: u.File, Choices: c, Text: string(c.Mapping(l, a.plan)),
		Line: fmt.Sprintf("%s · %s · %s · separated by %s", rowsWords(l.Rows), bytesWords(u.Size), l.Encoding, l.Delimiter)}
	found := option{"", "What Baton finds", l.Chosen == ""}
	if found.Chosen {
		found.Words += ": " + l.Delimiter
	}
	p.Delimiters = append(p.Delimiters, found)
	for _, word := range imports.Delimiters() {
		p.Delimiters = append(p.Delimiters, option{word, capital(strings.Replace(word, "bar", "vertical bar", 1)), word == l.Chosen})
	}
	targets := imports.Targets(a.plan)
	for _, t := range targets {
		if len(p.Groups) == 0 || p.Groups[len(p.Groups)-1].Label != t.Group {
			p.Groups = append(p.Groups, optionGroup{Label: t.Group})
		}
		g := &p.Groups[len(p.Groups)-1]
		g.Options = append(g.Options, option{Value: t.Name, Words: t.Words})
	}
	wrong := c.Wrong(l, a.plan)
	for i := range l.Columns {
		col := &l.Columns[i]
		switch col.Kind {
		case "ours":
			continue
		case "twice":
			p.Left = append(p.Left, fmt.Sprintf("“%s” stands in the header more than once, so nobody can tell which is meant. Give them different names to use them.", col.Name))
			continue
		case "unnamed":
			p.Left = append(p.Left, "Column "+strconv.Itoa(i+1)+" has no name in the header.")
			continue
		}
		p.Columns = append(p.Columns, a.columnRow(i, col, c, l, targets, wrong))
		p.HasTime = p.HasTime || c.Columns[col.Name].Becomes == "at"
	}
	for _, w := range wrong {
		if w.Column == "" {
			p.Wrong = append(p.Wrong, sentence(w.Reason))
		}
	}
	name := func(s string) string { return capital(strings.ReplaceAll(s, "_", " ")) }
	for i := range a.plan.Activities {
		v := a.plan.Activities[i].Name
		p.Activities = append(p.Activities, option{v, name(v), v == c.Activity})
	}
	for i := range a.plan.Assets {
		v := a.plan.Assets[i].Name
		p.Assets = append(p.Assets, option{v, name(v), v == c.Asset})
	}
	for _, v := range []string{"marketing", "sales"} {
		p.Origins = append(p.Origins, option{v, name(v), v == c.Origin})
	}
	if len(wrong) > 0 {
		return p
	}
	m, findings := imports.ParseMapping("mapping", []byte(p.Text), a.plan)
	if m == nil {
		for _, f := range findings {
			p.Wrong = append(p.Wrong, sentence(fmt.Sprintf("line %d of the text: %s", f.Line, f.Message)))
		}
		return p
	}
	if m.Members() && !a.viewer.May(RunTeam) {
		p.Wrong = append(p.Wrong, "This mapping brings members of the team, which is for those who run the team.")
		return p
	}
	rows, err := l.Preview(m, a.now.UnixMicro())
	if err != nil {
		p.Wrong = append(p.Wrong, sentence(err.Error()))
		return p
	}
	p.Ready = true
	for i := range rows {
		row := a.previewRow(&rows[i])
		if len(row.Refused) > 0 {
			p.Refused++
		}
		p.Preview = append(p.Preview, row)
	}
	return p
}

func (a *ask) columnRow(i int, col *imports.Column, c *imports.Choices, l *imports.Look, targets []imports.Target, wrong []imports.Refusal) columnRow {
	ch := c.Columns[col.Name]
	r := columnRow{N: strconv.Itoa(i), Name: col.Name, Becomes: ch.Becomes, Samples: strings.Join(col.Samples, " · ")}
	if col.Filled < l.Rows {
		r.Filled = "in " + grouped(col.Filled) + " of " + grouped(l.Rows)
	}
	if col.Filled == 0 {
		r.Filled = "empty in all rows"
	}
	for _, w := range wrong {
		if w.Column == col.Name && c.Text == "" {
			r.Wrong = sentence(w.Reason)
		}
	}
	k := slices.IndexFunc(targets, func(t imports.Target) bool { return t.Name == ch.Becomes })
	if k < 0 {
		return r
	}
	t := &targets[k]
	switch t.Kind {
	case agreement.Date:
		fits, others := optionGroup{Label: "As the file has them"}, optionGroup{Label: "Other ways"}
		for _, layout := range imports.Layouts() {
			o := option{layout, layoutWords(layout), layout == ch.Layout}
			if slices.Contains(col.Layouts, layout) {
				fits.Options = append(fits.Options, o)
			} else {
				others.Options = append(others.Options, o)
			}
		}
		r.Layouts = []optionGroup{fits, others}
	case agreement.Number:
		if len(col.Decimal) == 3 && !col.Unsure {
			break // however it is read, it is the same number
		}
		for _, d := range []option{{"plain", "1200.50", false}, {"point", "1,200.50", false}, {"comma", "1.200,50", false}} {
			d.Chosen = ch.Decimal == d.Value
			r.Decimals = append(r.Decimals, d)
		}
	case agreement.Choice:
		otherwise := "Refuse the row"
		if c.Drop && (strings.HasPrefix(t.Name, "attribute:") || strings.HasPrefix(t.Name, "property:")) {
			otherwise = "Leave it out"
		}
		for j, w := range t.Unread(col) {
			to, said := ch.Words[w.Text]
			row := wordRow{N: r.N + "." + strconv.Itoa(j), Text: w.Text, Rows: rowsWords(w.Rows), Options: []option{{"", otherwise, !said}, {"-", "Counts as empty", said && to == ""}}}
			for _, known := range t.Known {
				row.Options = append(row.Options, option{known, strings.ReplaceAll(known, "_", " "), said && to == known})
			}
			r.Words = append(r.Words, row)
		}
	}
	return r
}

// layoutWords is a way to write dates: the 5th of March 2026 as an example, in the afternoon.
func layoutWords(layout string) string {
	switch layout {
	case "iso":
		return "2026-03-05"
	case "excel":
		return "46086, a spreadsheet’s day"
	case "excel 1904":
		return "44624, a day since 1904"
	case "unix":
		return "1772668800, seconds"
	case "unix ms":
		return "1772668800000, milliseconds"
	}
	words := strings.NewReplacer("YYYY", "2026", "YY", "26", "MMM", "Mar", "MM", "03", "M", "3", "DD", "05", "D", "5", "HH", "14", "H", "14", "h", "2", "mm", "30", "ss", "00", "A", "PM").Replace(layout)
	if strings.Contains(layout, "MMM") || strings.Contains(layout, ":") || strings.HasPrefix(layout, "YYYY") {
		return words
	}
	return words + " is 5 March"
}

func (a *ask) previewRow(s *imports.Shown) previewRow {
	r := previewRow{Line: strconv.Itoa(s.Line), Skipped: s.Skipped}
	for _, w := range s.Refused {
		r.Refused = append(r.Refused, sentence(strings.TrimPrefix(w.Column+": ", ": ")+w.Reason))
	}
	for i := range s.Arrivals {
		arrival := &s.Arrivals[i]
		in := &arrival.Input
		var keys []string
		for _, k := range arrival.Keys {
			_, value, ok := strings.Cut(k.Value, ":")
			if k.Kind.String() != "id" || !ok {
				value = k.Value
			}
			keys = append(keys, value)
		}
		r.Who, r.Company = cmp.Or(strings.Join(keys, " · "), r.Who), cmp.Or(arrival.AccountName, arrival.Account, r.Company)
		part := previewPart{When: a.timeOfRow(in.At)}
		say := func(name, value string) { part.Facts = append(part.Facts, previewFact{name, value}) }
		if in.Asset != "" {
			say("", strings.ReplaceAll(in.Asset, "_", " "))
		}
		for _, v := range in.Values {
			if value := a.factWords(v.Value); v.Name != "company.name" || value != r.Company {
				say(strings.ReplaceAll(strings.TrimPrefix(v.Name, "company."), "_", " "), value)
			}
		}
		switch in.Kind {
		case lifecycle.Identify:
			part.What, part.When = "Known", ""
			if in.Origin != agreement.NoSide {
				say("brought by", in.Origin.String())
			}
			if len(part.Facts) == 0 {
				say("", "who they are")
			}
		case lifecycle.Did:
			part.What = capital(strings.ReplaceAll(in.Name, "_", " "))
		case lifecycle.Win:
			part.What = "Won"
			if in.Value != 0 {
				say("worth", strconv.FormatFloat(in.Value, 'f', -1, 64))
			}
		case lifecycle.Lose:
			part.What = "Lost"
			if in.Name != "" {
				say("", in.Name)
			}
		case lifecycle.Joined:
			part.What, r.Who = "Joins the team", in.Member.ID
		}
		if in.Text != "" {
			say("note", in.Text)
		}
		r.Does = append(r.Does, part)
	}
	return r
}

// timeOfRow writes when something occurred: a day without a time is its beginning.
func (a *ask) timeOfRow(at int64) string {
	if t := day(at, a.zone); t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return t.Format("2 Jan 2006")
	}
	return day(at, a.zone).Format("2 Jan 2006, 15:04")
}

// factWords writes a value as people read it.
func (a *ask) factWords(v agreement.Value) string {
	switch v.Kind {
	case agreement.Date:
		return a.dateOf(int64(v.Num))
	case agreement.Missing:
		return "forgotten"
	case agreement.Choice:
		return strings.ReplaceAll(v.Str, "_", " ")
	}
	return v.String()
}
