package lifecycle

import (
	"bytes"
	"encoding/json"
	"fmt"

	"baton/internal/agreement"
)

// parseValues reads the object of named values, keeping their order.
func parseValues(raw json.RawMessage) ([]Named, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var values []Named
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var one json.RawMessage
		if err := dec.Decode(&one); err != nil {
			return nil, err
		}
		v, err := parseValue(one)
		if err != nil {
			return nil, err
		}
		values = append(values, Named{Name: name.(string), Value: v})
	}
	return values, nil
}

func parseValue(raw json.RawMessage) (agreement.Value, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return agreement.Value{}, nil
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return agreement.TextValue(s), err
	case 't', 'f':
		return agreement.BooleanValue(raw[0] == 't'), nil
	case '{':
		var o struct {
			Choice *string `json:"choice"`
			Date   *int64  `json:"date"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return agreement.Value{}, err
		}
		switch {
		case o.Choice != nil:
			return agreement.ChoiceValue(*o.Choice), nil
		case o.Date != nil:
			return agreement.DateValue(*o.Date), nil
		}
		return agreement.Value{}, fmt.Errorf("a value is neither a choice nor a date: %.60s", raw)
	}
	var n float64
	err := json.Unmarshal(raw, &n)
	return agreement.NumberValue(n), err
}
