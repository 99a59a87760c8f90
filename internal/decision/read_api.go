package decision

import "slices"

// PhaseDraft is the phase of a motion before it is published; it is in no list but its mover's.
const PhaseDraft = "draft"

// Phase is the part of its life that a motion is in, as lists are narrowed by it: PhaseDraft or one of
// Phases.
func (m *Motion) Phase() string {
	for _, phase := range Phases() {
		if slices.Contains(phases[phase], m.State) {
			return phase
		}
	}
	if m.State == lapsing {
		return string(InForce)
	}
	return PhaseDraft
}
