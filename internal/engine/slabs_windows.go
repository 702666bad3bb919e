package engine

func takeMemory(bytes int) []byte { return make([]byte, bytes) }

func giveBack([]byte) {}
