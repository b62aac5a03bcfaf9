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
	{"mesh:dims=5", 5, 5, 8, 0, true},
	{"mesh:dims=3x4x2", 24, 24, 2 * (2 * 8 + 3 * 6 + 12), 0, true},
	{"torus:dims=7", 7, 7, 14, 0, true},
	{"torus:dims=4x4x4", 64, 64, 6 * 64, 0, true}, /* six links per NPU */
	{"torus:dims=3x2x5", 30, 30, 2 * (30 + 15 + 30), 0, true},
	{"torus:dims=1x4", 4, 4, 8, 0, true},
	{"torus:dims=8x4,twist=0x4", 32, 32, 4 * 32, 0, true},
	{"torus:dims=6x3x3,twist=0x3x0", 54, 54, 6 * 54, 0, true},
	{"torus:dims=4x4x5,twist=0x1x3", 80, 80, 6 * 80, 0, true},
	{"fully-connected:n=1", 1, 1, 0, 0, true},
	{"fully-connected:n=2", 2, 2, 2, 0, true},
	{"fully-connected:n=9", 9, 9, 72, 0, true},
	{"full-mesh:dims=8x8", 64, 64, 64 * 14, 0, true}, /* a UB-Mesh rack */
	{"full-mesh:dims=3x1x4,lanes=2x1x3", 12, 12, 12 * 5, 0, true},
	{"hyperx:dims=3x4,hosts=2", 24, 36, 2 * 24 + 12 * 5, 0, true},
	{"hyperx:dims=2x2x2x2,hosts=1", 16, 32, 2 * 16 + 16 * 4, 0, true},
	{"dragonfly", 72, 72 + 36, 2 * 72 + 36 * 3 + 9 * 8, 0, true}, /* a = 4, p = h = 2: 9 groups */
	{"dragonfly:routers=3,hosts=1,global=2,groups=4", 12, 24, 2 * 12 + 12 * 2 + 4 * 3 * 2, 0, true},
	{"dragonfly:groups=1,routers=3", 6, 9, 2 * 6 + 6, 0, true},
	{"ascend-910b", 8, 8, 56, 0, true},
	{"mi300x", 8, 8, 56, 0, true},
	{"cambricon", 8, 8, 56, 0, true},
	{"cambricon:card=mlu370", 4, 4, 12, 0, true},
	{"nvl72", 72, 72 + 18, 2 * 1296, 0, true},
	{"nvl72:n=36,merge_planes=true", 36, 37, 72, 0, true},
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
	{"mesh:dims=65536x65536", "(range of the product: 1..1048576)"},
	{"mesh:dims=4x0", "(range: 1..65536)"},
	{"mesh:dims=2x2x2x2x2x2x2", "(how many: 1..6)"},
	{"mesh:dims=4x", "ends in a separator"},
	{"torus:dims=8x4,twist=0x8", "(range: 0..7)"},
	{"torus:dims=8x4,twist=4", "'twist' has 1 values for 2 dimensions"},
	{"torus:dims=16x4,twist=0x4", "half the size of dimension 0"},
	{"full-mesh:dims=4x4,lanes=1x2x3", "3 values in 'lanes' for 2 dimensions"},
	{"dragonfly:groups=10", "10 groups, but 8 global cables per group (range: 1..9)"},
	{"dragonfly:routers=256,global=256", "NPUs in 65537 groups"},
	{"cloudmatrix384:l2_chips=8", "at least 16"},
};

#endif
