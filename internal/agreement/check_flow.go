package agreement

// judge asks whether the agreement as a whole can work.
func (c *compiler) judge() {}
