"""The finite-volume circuit of a voxel image: classes of faces, rows of voxels, currents, error bound."""
