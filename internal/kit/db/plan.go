package db

import (
	"fmt"
	"reflect"
	"time"
)

// plan says which column goes into which field of a row type.
type plan struct {
	single bool // the row type is one value, not a struct
	fields [][]int
}

var timeType = reflect.TypeFor[time.Time]()

func newPlan(t reflect.Type, cols []string) (*plan, error) {
	if t.Kind() != reflect.Struct || t == timeType {
		if len(cols) != 1 {
			return nil, fmt.Errorf("%d columns do not fit into one %s", len(cols), t)
		}
		return &plan{single: true}, nil
	}
	byName := map[string][]int{}
	collect(t, "", nil, byName)
	p := &plan{fields: make([][]int, len(cols))}
	for i, c := range cols {
		index, ok := byName[c]
		if !ok {
			return nil, fmt.Errorf("%s has no field for column %q", t, c)
		}
		p.fields[i] = index
	}
	return p, nil
}

// collect maps column names to fields. Embedded structs share the namespace of their parent; a struct
// field tagged `db:"prefix_"` owns the columns that begin with it.
func collect(t reflect.Type, prefix string, at []int, out map[string][]int) {
	for f := range fieldsOf(t) {
		index := append(append([]int{}, at...), f.Index...)
		tag, tagged := f.Tag.Lookup("db")
		switch {
		case f.Type.Kind() == reflect.Struct && f.Type != timeType && (tagged || f.Anonymous):
			collect(f.Type, prefix+tag, index, out)
		case tagged:
			out[prefix+tag] = index
		}
	}
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// scratch is the memory one result set is scanned through.
func (p *plan) scratch() (cells []any, dest []any) {
	n := len(p.fields)
	if p.single {
		n = 1
	}
	cells, dest = make([]any, n), make([]any, n)
	for i := range cells {
		dest[i] = &cells[i]
	}
	return cells, dest
}

func (p *plan) fill(row reflect.Value, cells []any) error {
	if p.single {
		return set(row, cells[0])
	}
	for i, index := range p.fields {
		f := row
		for _, x := range index {
			f = f.Field(x)
		}
		if err := set(f, cells[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// set stores what a driver gave. NULL, which only outer joins produce here, is the zero value;
// milliseconds become a UTC time where the field is one; 0 and 1 become a bool.
func set(f reflect.Value, cell any) error {
	switch v := cell.(type) {
	case nil:
		f.SetZero()
		return nil
	case int64:
		switch f.Kind() {
		case reflect.Int64, reflect.Int, reflect.Int32, reflect.Int16:
			f.SetInt(v)
			return nil
		case reflect.Bool:
			f.SetBool(v != 0)
			return nil
		case reflect.Float64:
			f.SetFloat(float64(v))
			return nil
		case reflect.Struct:
			if f.Type() == timeType {
				if v != 0 {
					f.Set(reflect.ValueOf(time.UnixMilli(v).UTC()))
				} else {
					f.SetZero()
				}
				return nil
			}
		}
	case string:
		if f.Kind() == reflect.String {
			f.SetString(v)
			return nil
		}
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Uint8 {
			f.SetBytes([]byte(v))
			return nil
		}
	case []byte:
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Uint8 {
			f.SetBytes(v)
			return nil
		}
		if f.Kind() == reflect.String {
			f.SetString(string(v))
			return nil
		}
	case bool:
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(v)
			return nil
		case reflect.Int64, reflect.Int:
			if v {
				f.SetInt(1)
			} else {
				f.SetInt(0)
			}
			return nil
		}
	case float64:
		if f.Kind() == reflect.Float64 {
			f.SetFloat(v)
			return nil
		}
	}
	return fmt.Errorf("cannot put %T into %s", cell, f.Type())
}
