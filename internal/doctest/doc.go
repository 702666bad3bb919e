// Package doctest checks the examples in the documents: that each agreement in them compiles, or has just
// the finding it is shown for; that each scenario comes out as written; that each table of figures is what
// Baton reckons; and that no key and no finding of the language goes unmentioned.
//
// It has tests only; nothing imports it. It knows an example by the comment right above its block,
// in Markdown:
//
//	<!-- check: fragment -->     a part of an agreement: added to the base, it has no findings
//	<!-- check: whole -->        a whole agreement without findings
//	<!-- check: finding A21 -->  a part that has this finding and no other; "finding A21 whole" for a whole agreement
//	<!-- check: outcome -->      a table of conditions, what is known of a lead, and the outcome
//	<!-- check: truth -->        a table of truths: the heads are conditions on a and b
//	<!-- check: decay 40 30d --> a table of what is left of 40 points that halve in 30 days
//	<!-- check: due -->          a table of deadlines: started, time allowed, due
//	<!-- check: scenario -->     a story, marked txtar
//	<!-- check: none -->         not an agreement
//
// The base is docs/language/northwind.yaml. A block of YAML in docs/language without a comment is
// a mistake. A block marked txtar is a scenario; one without an agreement of its own runs under the fragment
// above it, or the base. "go test ./internal/doctest -update" rewrites the decisions of scenarios.
//
// Start reading at TestExamples in example_test.go.
package doctest
