// Package document renders a checked agreement for people: as a document that
// the heads of marketing and sales read and sign (Markdown and HTML), and as a
// picture of how a lead moves (SVG).
//
// The text is written once, as blocks, in sections.go; markdown.go and html.go
// only write blocks down. The picture is laid out by diagram.go (what is drawn),
// place.go (which cell of a grid a stage gets), route.go (which way an arrow
// goes through the channels between cells), measure.go (pixels and labels) and
// written by svg.go.
//
// The package is pure: it reads no clock, file or network, and the same plan
// gives the same bytes. It never decides anything about a lead.
//
// Start reading at Markdown, HTML and Diagram.
package document
