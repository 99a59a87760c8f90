// Package web is how requests come in and answers go out. Handlers return an error; one writer turns
// it into a page or JSON with the right status. Around every handler stand, in this order: a request
// id and one log line, recovery, security headers, the client's address and its rate limit, the body
// limit, who is acting (session cookie for pages, bearer token for APIs), and for pages the refusal of
// cross-origin writes.
//
// Routes are values. A route that can change something must say which kind of act it is, or why it
// needs no authority; the program does not start otherwise.
package web
