// Package web is the pages of Baton: what people open in a browser to work leads and to see how things stand.
//
// A page is a route in route.go, a file that reads what the page shows into a struct, and a template that shows it.
// What people do on a page becomes the same input that the REST API makes (act.go). This package has no SQL,
// works out no figure and decides nothing: it asks store, report, lifecycle and api. Styles are in style/, and what
// browsers get of them in static/. Start reading at routes in route.go; docs/pages.md says how to add a page.
package web

//go:generate go tool -modfile=../../tools/go.mod templ generate -log-level error
