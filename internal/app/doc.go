// Package app puts the program together: it alone imports everything. app.go builds the features in
// plain Go, reactions.go says what follows from what, serve.go runs it, cli.go and the cmd_ files are
// its face to the operator.
package app
