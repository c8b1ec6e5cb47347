// Tiles attention over rows and fuses what it reads into the loop.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %attend = transform.structured.match ops{["dsa.sparse_attention"]} in %m
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %attend tile_sizes [4] {apply_cleanup}
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
