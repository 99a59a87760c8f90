// Command rochdale is a social co-operative in one program.
package main

import (
	"os"

	"rochdale/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
