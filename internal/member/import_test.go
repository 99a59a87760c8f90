package member_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/member"
)

func read(t *testing.T, text string, mapping map[string]string) member.Import {
	t.Helper()
	imp, err := member.ReadImport(strings.NewReader(text), mapping, testkit.Start)
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestColumnsAreKnownByTheirHeadings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text    string
		mapping map[string]string
		fields  string
	}{
		"English":    {"Display Name,Handle,E-Mail,Member since,No.,Note\n", nil, "name username email since number ignore"},
		"bare":       {"account,mail\n", nil, "username email"},
		"semicolons": {"\ufeffnumber;name;username;email address;joined_at\n", nil, "number name username email since"},
		"tabs":       {"nr\tuser\temail\tleft\n", nil, "number username email until"},
		"by hand":    {"Wie,Wer,Post\n", map[string]string{"wie": "name", "Wer": "username", "Post": "email"}, "name username email"},
		"over":       {"name,username,email,mail\n", map[string]string{"mail": "ignore"}, "name username email ignore"},
		"instead":    {"username,name,email,mail\n", map[string]string{"mail": "email"}, "username name ignore email"},
	} {
		imp := read(t, tc.text, tc.mapping)
		var fields []string
		for _, c := range imp.Columns {
			fields = append(fields, c.Field)
		}
		if got := strings.Join(fields, " "); got != tc.fields {
			t.Errorf("%s: %s, want %s", name, got, tc.fields)
		}
	}
	for name, tc := range map[string]struct {
		text    string
		mapping map[string]string
	}{
		"empty":          {"", nil},
		"no username":    {"name,email\n", nil},
		"no address":     {"name,username\n", nil},
		"twice":          {"username,email,mail\n", nil},
		"unknown field":  {"username,email\n", map[string]string{"email": "post"}},
		"unknown column": {"username,email\n", map[string]string{"mail": "email"}},
		"no header":      {"\"broken\n", nil},
	} {
		if _, err := member.ReadImport(strings.NewReader(tc.text), tc.mapping, testkit.Start); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRowsAreReadAndWrongOnesNamed(t *testing.T) {
	t.Parallel()
	imp := read(t, strings.Join([]string{
		"number,name,username,email,since,until",
		`007,"Ann  of
Green",@Ann,ann@mail.example,2019-05-01,`,
		"8,,bob@coop.example,bob@mail.example,1.6.2020,",
		",Cat,https://coop.example/@cat,cat@mail.example,2021-01-02T03:04:05+01:00,",
		"",
		"x,Dan,dan,dan@mail.example,12/11/2020,",
		"9,Eve,eve,not-an-address,2019-01-01,",
		"9,Fay,,,2030-01-01,",
		"10,Gus,gus,ANN@mail.example,,",
		"11,Hal,ann,hal@mail.example,,",
		"8,Ida,ida,ida@mail.example,,",
		"12,Jo,jo,jo@mail.example,1970-01-01,",
		`13,Kim,kim"x,kim@mail.example,,`,
		"14,Lea,lea,lea@mail.example,,,,extra",
		"15,M\x01x,mx,mx@mail.example,,",
		"16,Ned,ned,ned@mail.example,2020-01-01,2021-01-01",
		"17,Oz,oz,oz@mail.example",
		"18,'=P,p,p@mail.example,,",
	}, "\n"), nil)
	type line struct {
		Line    int
		Outcome string
		Note    string
	}
	var got []line
	for _, r := range imp.Rows {
		got = append(got, line{r.Line, r.Outcome, strings.Join(r.Notes, " ")})
	}
	if d := cmp.Diff([]line{
		{2, "add", ""}, {4, "add", ""}, {5, "add", ""},
		{7, "wrong", `"x" is not a member's number. "12/11/2020" is not a date: write it as 2027-12-31.`},
		{8, "wrong", `"not-an-address" is not an e-mail address.`},
		{9, "wrong", `The date 2030-01-01 lies in the future. There is no username. There is no e-mail address.`},
		{10, "wrong", "The e-mail address stands in line 2 already."},
		{11, "wrong", "The username stands in line 2 already."},
		{12, "wrong", "The number stands in line 4 already."},
		{13, "wrong", "Nobody joined on 1970-01-01: leave the cell empty where the date is not known."},
		{14, "wrong", `The line cannot be read: bare " in non-quoted-field.`},
		{15, "wrong", "It has 8 cells, the header has 6: quote a cell that holds a separator."},
		{16, "wrong", `The column "name" is not text in UTF-8.`},
		{17, "left", ""}, {18, "add", ""}, {19, "add", ""},
	}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]member.ImportRow{
		{Line: 2, Outcome: "add", Number: 7, Name: "Ann of Green", Username: "ann", Email: "ann@mail.example", Since: date(2019, 5, 1)},
		{Line: 4, Outcome: "add", Number: 8, Name: "bob", Username: "bob", Email: "bob@mail.example", Since: date(2020, 6, 1)},
		{Line: 5, Outcome: "add", Name: "Cat", Username: "cat", Email: "cat@mail.example", Since: time.Date(2021, 1, 2, 2, 4, 5, 0, time.UTC)},
	}, imp.Rows[:3]); d != "" {
		t.Error(d)
	}
	if last := imp.Rows[len(imp.Rows)-1]; last.Name != "=P" {
		t.Errorf("the guard of a formula is left: %q", last.Name)
	}
}

const oldRegister = `number,name,username,email,since
1,Ann,ann,ann@mail.example,2019-05-01
12,Bob,bob,bob@mail.example,2020-06-01
,Cat,cat,cat@mail.example,
40,Dan,dan,dan@mail.example,2021-01-01
`

func TestARegisterIsTakenOverOnce(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		r.clock.Advance(48 * time.Hour)
		check := r.CheckUsername
		r.CheckUsername = nil // the stand-in reads outside the transaction
		imp := read(t, oldRegister, nil)
		_, err := r.TakeOver(r.ctx, authz.Actor{Member: 99}, imp, false, "", nil)
		want(t, err, fault.Forbidden, "importing without a mandate")
		preview, err := r.Preview(r.ctx, imp)
		r.ok(err)
		if preview.Count(member.Add) != 4 || len(preview.Rows[0].Notes) != 1 || imp.Rows[0].Notes != nil {
			t.Errorf("the preview is %+v", preview.Rows)
		}
		if n, err := r.Count(r.ctx); err != nil || n != 1 {
			t.Errorf("a preview leaves %d members", n)
		}
		before := len(r.events())
		done, err := r.TakeOver(r.ctx, shell, imp, false, "we move in", nil)
		r.ok(err)
		numbers := map[string]int64{}
		for _, row := range done.Rows {
			numbers[row.Username] = row.Number
		}
		// The founder has number 1 already.
		if d := cmp.Diff(map[string]int64{"ann": 41, "bob": 12, "cat": 42, "dan": 40}, numbers); d != "" {
			t.Error(d)
		}
		var kinds []string
		for _, e := range r.events()[before:] {
			kinds = append(kinds, e.Kind)
			if strings.Contains(e.Body, "mail.example") || strings.Contains(e.Body, `"bob"`) || strings.Contains(e.Body, done.Hash) {
				t.Errorf("personal data in %s: %s", e.Kind, e.Body)
			}
		}
		if !slices.Equal(kinds, []string{"act.member.enrol", "emergency.done", "member.attested", "member.attested", "member.attested", "member.attested", "register.imported"}) {
			t.Errorf("recorded %q", kinds)
		}
		if _, err := r.record.Verify(r.ctx); err != nil {
			t.Error(err)
		}
		// Who came with it was a member all the time, and needs no new waiting period.
		roll, err := r.Roll(r.ctx, r.db, date(2020, 7, 1), 24*time.Hour)
		r.ok(err)
		if len(roll) != 2 {
			t.Errorf("%d were members in July 2020", len(roll))
		}
		// Again: nothing is left to do and nothing is written.
		before = len(r.events())
		again, err := r.TakeOver(r.ctx, shell, read(t, strings.Replace(oldRegister, "bob@mail", "BOB@mail", 1), nil), false, "once more", nil)
		r.ok(err)
		if again.Count(member.Unchanged) != 4 || len(r.events()) != before {
			t.Errorf("done again: %+v, %d entries", again.Rows, len(r.events())-before)
		}
		r.CheckUsername = check
		// They have no password, and get one by the letter of a forgotten one.
		_, _, err = r.identity.SignIn(r.ctx, "bob@mail.example", "", "", here)
		want(t, err, fault.Invalid, "signing in without a password")
		_, _, err = r.identity.SignIn(r.ctx, "bob@mail.example", password, "", here)
		want(t, err, fault.Invalid, "signing in with a guess")
		secret := r.forgotten("bob@mail.example")
		r.ok(r.identity.ResetPassword(r.ctx, secret, "a new long password"))
		if _, _, err := r.identity.SignIn(r.ctx, "bob@mail.example", "a new long password", "", here); err != nil {
			t.Errorf("after choosing a password: %v", err)
		}
	})
}

func TestNothingIsTakenOverWhenARowIsWrong(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		r.enrol("bob")
		r.apply("cat")
		r.CheckUsername = nil
		text := "username,email\nann,ann@mail.example\nbob,other@mail.example\ncat,cat2@mail.example\nnew,fay@example.org\ndan,nowhere\n"
		before := len(r.events())
		done, err := r.TakeOver(r.ctx, shell, read(t, text, nil), false, "", nil)
		want(t, err, fault.Invalid, "wrong rows")
		if done.Count(member.Wrong) != 3 || done.Count(member.Unchanged) != 1 || len(r.events()) != before {
			t.Errorf("%+v", done.Rows)
		}
		done, err = r.TakeOver(r.ctx, shell, read(t, text, nil), true, "", nil)
		r.ok(err)
		if n, err := r.Count(r.ctx); err != nil || n != 3 || done.Rows[0].Number != 3 {
			t.Errorf("%d members, %+v", n, done.Rows[0])
		}
	})
}

func TestAnExportCanBeImported(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann, bob := r.enrol("ann"), r.enrol("bob")
		r.clock.Advance(time.Hour)
		r.ok(r.Expel(r.ctx, shell, bob.ID, "because"))
		list, err := r.Export(r.ctx, time.Time{}, true)
		r.ok(err)
		list[1].Name = "=HYPERLINK(1)"
		var b bytes.Buffer
		r.ok(member.WriteCSV(&b, list, true))
		if !strings.Contains(b.String(), `'=HYPERLINK(1),ann,`) || strings.Contains(b.String(), ",=") {
			t.Errorf("a formula goes out: %s", b.String())
		}
		imp := read(t, b.String(), nil)
		imp.Rows[0].Since, imp.Rows[1].Since = time.Time{}, time.Time{}
		if d := cmp.Diff(member.ImportRow{Line: 3, Outcome: "add", Number: ann.Number, Name: "=HYPERLINK(1)", Username: "ann", Email: "ann@mail.example"}, imp.Rows[1]); d != "" {
			t.Error(d)
		}
		if imp.Rows[2].Outcome != member.Left {
			t.Errorf("who has left is %+v", imp.Rows[2])
		}
		on, err := r.Export(r.ctx, bob.Since, false)
		r.ok(err)
		if len(on) != 3 || on[2].Email != "" {
			t.Errorf("on the day of joining: %+v", on)
		}
		if on, err = r.Export(r.ctx, r.db.Now(), false); err != nil || len(on) != 2 {
			t.Errorf("today: %+v, %v", on, err)
		}
	})
}

// Whatever a file holds, reading it ends, every row is named by its line, and what is to be added is
// complete and fits into the register's tables.
func FuzzImport(f *testing.F) {
	f.Add(oldRegister)
	f.Add("username;email;since\n@a@b.c;a@b.c;1.2.2003\n\"x;y\";;\n")
	f.Add("user\tmail\tno\nann\tann@mail.example\t#7\n")
	f.Add("username,email\n\"ann\nx\",\"a\"@b.c\n\x00,\xff@b.c\n")
	f.Fuzz(func(t *testing.T, text string) {
		imp, err := member.ReadImport(strings.NewReader(text), nil, testkit.Start)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		line := 1
		seen := map[string]bool{}
		for _, r := range imp.Rows {
			if r.Line <= line && r.Outcome != member.Wrong {
				t.Errorf("line %d comes after %d", r.Line, line)
			}
			line = max(line, r.Line)
			if (r.Outcome == member.Wrong) != (len(r.Notes) > 0) {
				t.Errorf("a row is %s: %q", r.Outcome, r.Notes)
			}
			if r.Outcome != member.Add {
				continue
			}
			key := strings.ToLower(r.Email)
			if seen[key] || seen["@"+r.Username] || r.Username == "" || r.Email == "" || r.Name == "" || r.Number < 0 || r.Since.After(testkit.Start) {
				t.Errorf("taken: %+v", r)
			}
			seen[key], seen["@"+r.Username] = true, true
			if all := fmt.Sprint(r.Name, r.Username, r.Email); !utf8.ValidString(all) || strings.ContainsRune(all, 0) {
				t.Errorf("no text: %q", all)
			}
		}
	})
}

// A long register is taken over in batches, between which others can write. Where it broke off it goes
// on, and the record says what each batch did and when the whole was done.
func TestALongRegisterIsTakenOverInBatches(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		const rows = 1201
		r.CheckUsername = nil
		var b strings.Builder
		b.WriteString("number,username,email\n")
		for i := range rows {
			number := fmt.Sprint(i + 100)
			if i >= 1100 {
				number = ""
			}
			fmt.Fprintf(&b, "%s,p%d,p%d@mail.example\n", number, i, i)
		}
		imp := read(t, b.String(), nil)
		ctx, stop := context.WithCancel(r.ctx)
		var told []string
		done, err := r.TakeOver(ctx, shell, imp, false, "we move in", func(added, of int) {
			told = append(told, fmt.Sprintf("%d of %d", added, of))
			if m := r.enrol("zoe"); m.Number != 1200 { // above all numbers of the file
				t.Errorf("who joins meanwhile is number %d", m.Number)
			}
			stop()
		})
		if err == nil || !slices.Equal(told, []string{"500 of 1201"}) {
			t.Fatalf("broken off after %q: %v", told, err)
		}
		if done.Rows[1099].Number != 1199 || done.Rows[498].Number != 598 || done.Rows[0].Outcome != member.Add {
			t.Errorf("the first batch: %+v", done.Rows[1099])
		}
		kinds := func() map[string]int {
			out := map[string]int{}
			for before := int64(0); ; {
				list, err := r.record.List(r.ctx, before, "", 200)
				r.ok(err)
				for _, e := range list {
					out[e.Kind]++
					before = e.Seq
				}
				if len(list) < 200 {
					return out
				}
			}
		}
		if k := kinds(); k["member.attested"] != 500 || k["register.imported"] != 0 {
			t.Errorf("recorded %v", k)
		}
		told = nil
		done, err = r.TakeOver(r.ctx, shell, imp, false, "we move in", func(added, of int) { told = append(told, fmt.Sprintf("%d of %d", added, of)) })
		r.ok(err)
		if want := []string{"500 of 701", "701 of 701"}; !slices.Equal(told, want) || done.Count(member.Unchanged) != 500 || done.Rows[1100].Number != 1201 {
			t.Errorf("told %q, %d unchanged, the first without a number is %d", told, done.Count(member.Unchanged), done.Rows[1100].Number)
		}
		if k := kinds(); k["member.attested"] != rows || k["register.imported"] != 1 || k["act.member.enrol"] != 4 { // zoe's is the fourth
			t.Errorf("recorded %v", k)
		}
		size, err := r.record.Size(r.ctx)
		r.ok(err)
		if end, err := r.record.Get(r.ctx, size); err != nil || end.Kind != "register.imported" || !strings.Contains(end.Body, `"data":{"added":701,"batches":2,"skipped":0,"unchanged":500}`) {
			t.Errorf("the end: %s", end.Body)
		}
		if _, err := r.record.Verify(r.ctx); err != nil {
			t.Error(err)
		}
		_, err = r.TakeOver(r.ctx, shell, imp, false, "once more", nil)
		r.ok(err)
		if n, err := r.record.Size(r.ctx); err != nil || n != size {
			t.Errorf("doing it again wrote %d entries", n-size)
		}
	})
}
