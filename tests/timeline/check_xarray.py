"""Opens every group of timelines the way a user would, and checks what docs/timeline-format.md promises."""
import sys

import h5py
import numpy as np
import xarray as xr


def groups_of(path):
    names = []
    with h5py.File(path) as file:
        file.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Group) else None)
    return names


def open_group(path, group):
    return xr.open_dataset(path, group=group, engine="h5netcdf").load()


def check_dimensions(path, group):
    with h5py.File(path) as file:
        for name, thing in file[group].items():
            if not isinstance(thing, h5py.Dataset) or thing.attrs.get("CLASS") == b"DIMENSION_SCALE":
                continue
            for axis in range(len(thing.shape)):
                scale = thing.dims[axis][0]
                assert scale.parent.name == "/" + group, (name, "its scale lies in another group")
                assert scale.shape[0] == thing.shape[axis], (name, axis, scale.shape, thing.shape)
            if len(thing.shape) and thing.chunks and thing.dtype.kind != "O":
                assert thing.compression == "gzip" and thing.shuffle, name


def check_identities(path, root):
    links, summary = open_group(path, "links"), open_group(path, "summary")
    messages, paths = open_group(path, "messages"), open_group(path, "paths")
    assert (links.bytes.sum("time") == links.total_bytes).all()
    assert (links.busy_ps.sum("time") == links.total_busy_ps).all()
    assert (links.bytes_by_kind.sum("traffic") == links.bytes).all()
    assert int(links.bytes.sum()) == int(summary.link_bytes)
    crossed = np.zeros(links.sizes["link"], dtype=np.int64)
    for size, route in zip(messages.bytes.values, messages.path.values):
        if route < 0:
            continue
        first, end = paths.route_offsets.values[route:route + 2]
        weights = paths.weight.values[first:end].astype(object)
        before, total = 0, int(paths.route_weight.values[route])
        for path_id, weight in zip(range(first, end), weights):
            share = size * (before + weight) // total - size * before // total
            before += weight
            for link in paths.links.values[paths.offsets.values[path_id]:paths.offsets.values[path_id + 1]]:
                crossed[link] += share
    assert (crossed == links.total_bytes.values).all(), "bins of payload = messages' bytes x links crossed"
    ranks = open_group(path, "ranks")
    assert (ranks.time_by_class_ps.sum("class") == ranks.end_ps).all()
    assert (links.time_bounds.values[1:, 0] == links.time_bounds.values[:-1, 1]).all()
    assert (links.time.values == links.time_bounds.values[:, 0]).all()


def main(paths):
    for path in paths:
        root = open_group(path, None)
        assert root.attrs["format"] == "weft-timeline" and root.attrs["format_version"] == 1
        names = groups_of(path)
        for group in names:
            open_group(path, group)
            check_dimensions(path, group)
        if root.attrs["status"] == "complete":
            assert {"nodes", "links", "failures", "messages", "intervals", "ops", "paths", "ranks", "groups", "collectives", "components", "summary",
                    "run"} <= set(names), names
            assert "weft: 1" in str(root.scenario.values)
            check_identities(path, root)
        print(path, root.attrs["status"], len(names), "groups")


main(sys.argv[1:])
