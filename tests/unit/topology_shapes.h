/* The tables of test_topologies.c: shapes with their counts, and wrong parameters with what must be said. */
#ifndef TOPOLOGY_SHAPES_H
#define TOPOLOGY_SHAPES_H

/* spec, NPUs, nodes, directed links, components, acyclic */
static const struct shape shapes[] = {
	{"star:n=1", 1, 2, 2, 0, true},
	{"star:n=13,bandwidth=224 Gb/s", 13, 14, 26, 0, true},
	{"ring:n=2", 2, 2, 2, 0, true},
	{"ring:n=3", 3, 3, 6, 0, true},
	{"ring:n=12,latency=1 us", 12, 12, 24, 0, true},
	{"leaf-spine:leaves=3,hosts=5,spines=2,links=2", 15, 20, 2 * (15 + 12), 0, true},
	{"fat-tree:down=4x4,up=1x2", 16, 16 + 4 + 2, 2 * (16 + 8), 0, true},
	{"fat-tree:radix=4,levels=3", 16, 16 + 8 + 8 + 4, 2 * (16 + 16 + 16), 0, true}, /* k-ary fat tree, k = 4: k^3/4 hosts, 20 switches */
	{"fat-tree:radix=6,levels=2,oversubscription=2", 24, 24 + 6 + 2, 2 * (24 + 12), 0, true},
	{"fat-tree:down=3x2x2,up=2x2x3,uplink_bandwidth=100 GB/s", 12, 0, 0, 0, true},
	{"fat-tree:radix=64,levels=2", 2048, 2048 + 64 + 32, 2 * (2048 + 2048), 0, false},
	{"hgx:gpu=a100", 8, 14, 2 * 8 * 12, 0, true},
	{"hgx:gpu=h100", 8, 12, 2 * 8 * 18, 0, true},
	{"hgx:gpu=h800", 8, 12, 2 * 8 * 8, 0, true},
	{"hgx:gpu=h20", 8, 12, 2 * 8 * 18, 0, true},
	/* CloudMatrix: 5,376 access links each way, 5,376 L1-L2 links each way, 2,688 cables and 5,376 modules. */
	{"cloudmatrix384", 384, 384 + 336 + 112, 4 * 5376, 2688 + 5376, false},
	{"cloudmatrix384:rank=die", 768, 768 + 336 + 112, 4 * 5376 + 2 * 384, 2688 + 5376, false},
	{"cloudmatrix384:cpus=true", 384, 384 + 336 + 112 + 192, 4 * 5376 + 2 * 192 * 7, 2688 + 5376, false},
	{"cloudmatrix384:merge_planes=true", 384, 384 + 48 + 16, 4 * 768, 0, false},
	{"cloudmatrix384:nodes=24,l2_chips=8", 192, 192 + 168 + 56, 4 * 2688, 1344 + 2688, false},
	{"cloudmatrix384:nodes=36,l2_chips=12,rank=die", 576, 576 + 252 + 84, 4 * 4032 + 2 * 288, 2016 + 4032, false},
	{"cloudmatrix384:nodes=3,merge_planes=true", 24, 0, 0, 0, true},
	{"cloudmatrix384:nodes=2,l2_chips=3", 16, 0, 0, 0, true},
	{"cloudmatrix384:nodes=2,rank=die", 32, 0, 0, 0, true},
};

static const struct {
	const char *spec, *message;
} wrongs[] = {
	{"tours", "unknown topology 'tours'"},
	{"strr:n=4", "(did you mean 'star'?)"},
	{"star:n=0", "topology 'star': parameter 'n' is '0' (range: 1..65536)"},
	{"star:n=1000000000", "(range: 1..65536)"},
	{"star:n=-3", "(range: 1..65536)"},
	{"star:n=1.5", "1.5"},
	{"star:bandwidth=50", "parameter 'bandwidth'"},
	{"star:bandwith=50 GB/s", "topology 'star' has no parameter 'bandwith' (did you mean 'bandwidth'?)"},
	{"star:n=4,n=5", "given twice"},
	{"star:latency=2 s", "(range: 0 ps..1 s)"},
	{"star:n", "'n' is not key=value"},
	{"hgx:gpu=h10", "(did you mean 'h100'?)"},
	{"fat-tree:down=4x4,up=1", "'down' has 2 levels and 'up' 1"},
	{"fat-tree:down=60000x60000,up=1x1", "more than 2^22 NPUs"},
	{"fat-tree:down=4x-1,up=1x1", "(range: 0..65536)"},
	{"fat-tree:radix=8,oversubscription=2", "radix 8 does not divide"},
	{"leaf-spine:leaves=65536,hosts=65536", "leaves × hosts"},
	{"cloudmatrix384:l2_chips=8", "at least 16"},
};

#endif
