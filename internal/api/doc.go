// Package api is the HTTP interface: what marketing tools, web sites and forms send comes in here,
// as Segment's tracking API and plain HTML forms have it, and goes to the engine as arrivals; other programs
// look at everything and do what people do over REST.
//
// It decides nothing, holds no SQL, and answers only when what was sent is decided and on disk. A
// request is taken whole or not at all, and whoever sends it again with the same message IDs
// changes nothing. Memory is bounded whatever is sent.
//
// Start reading at New in api.go, then track.go (one request), event.go (how an event is written) and
// arrival.go (what it means). Of REST, at newREST in rest.go, then rest_command.go; the OpenAPI document and its
// reference (reference.go) are made of the types in these files.
package api
