// Package coopapi is the co-op's own JSON API, /api/coop/v1: everything of the institutions that a page
// of the site shows or does. Apps, archives and other co-ops read and act through it.
//
// It holds no rules: a request becomes one call of a feature, whose words and refusals it hands on. An
// operation is declared once; from that come the route, what its token must allow, the checks of what
// is sent, and the OpenAPI 3.1 document at /api/coop/openapi.json, so that none of them can differ.
//
// Promises: what everybody may read needs no token, and a token without coop:read sees what a visitor
// sees; what changes something needs coop:write; a POST that carries an Idempotency-Key is done once,
// and answered the same when it comes again within a day; errors are problem details (RFC 9457) with the
// kind of fault; lists come in pages whose cursors mean nothing to the reader; ids are decimal strings
// and times RFC 3339.
package coopapi
