// render writes nginx.conf.tpl as Nomad does, with the functions that the template uses: environment variables, and the
// services of a JSON file instead of Consul.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"
	"text/template"
)

type instance struct {
	Address string
	Port    int
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: render TEMPLATE SERVICES.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	services := map[string][]instance{}
	file, err := os.ReadFile(os.Args[2])
	if err == nil {
		err = json.Unmarshal(file, &services)
	}
	if err != nil {
		log.Fatal(err)
	}
	functions := template.FuncMap{
		"env":     os.Getenv,
		"service": func(name string) []instance { return services[name] },
		"split":   func(separator, text string) []string { return strings.Split(text, separator) },
		"add":     func(one, other int) int { return one + other },
	}
	parsed, err := template.New("nginx.conf").Funcs(functions).Parse(string(text))
	if err == nil {
		err = parsed.Execute(os.Stdout, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
}
