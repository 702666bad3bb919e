package cli

import (
	"fmt"
	"os"
	"strings"

	"baton/internal/replay"
)

type testCommand struct {
	Update bool     `help:"Write what is decided into the scenario as what is expected."`
	Files  []string `arg:"" name:"scenario" help:"Scenarios (.txtar); see docs/scenarios.md."`
}

func (c *testCommand) Run(r *run) error {
	differ := 0
	for _, file := range c.Files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading a scenario: %w", err)
		}
		s, err := replay.ParseScenario(file, data)
		if err != nil {
			return err
		}
		got, _, err := s.Run()
		if err != nil {
			return err
		}
		switch {
		case got == s.Expected:
			fmt.Fprintf(r.Out, "ok    %s\n", file)
		case c.Update:
			if err := replaceFile(file, s.Update(got)); err != nil {
				return err
			}
			fmt.Fprintf(r.Out, "new   %s\n", file)
		default:
			differ++
			fmt.Fprintf(r.Out, "DIFF  %s\n%s", file, firstDifference(s.Expected, got))
		}
	}
	if differ > 0 {
		fmt.Fprintf(r.Err, "baton: %d of %d scenarios came out otherwise; if that is right, run: baton test --update\n", differ, len(c.Files))
		return errSaid
	}
	return nil
}

// firstDifference shows where two texts part, with the line that leads there.
func firstDifference(expected, got string) string {
	a, b := strings.Split(expected, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	head := ""
	for j := i; j >= 0 && j < max(len(a), len(b)); j-- {
		if j < len(b) && !strings.HasPrefix(b[j], " ") && b[j] != "" {
			head = b[j]
			break
		}
	}
	line := func(list []string) string {
		if i < len(list) {
			return list[i]
		}
		return "(the end)"
	}
	return fmt.Sprintf("        line %d, in: %s\n        expected  %s\n        got       %s\n", i+1, head, strings.TrimSpace(line(a)), strings.TrimSpace(line(b)))
}
