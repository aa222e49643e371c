//! The operations, one file for each family, and the methods of [`Tensor`](crate::Tensor) that apply them.

/// Declares operations: the name of each as a type and for messages, its settings, and the methods of
/// [`Op`](crate::Op), whose signatures are understood.
macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $op:ident: $name:literal { $($setting:ident: $type:ty),* } {
            fn shape(&$for_shape:ident, $shapes:ident) $shape:block
            fn forward(&$for_forward:ident, $operands:ident) $forward:block
            fn backward(&$for_backward:ident, $at:ident) $backward:block
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $op {
            $(pub(crate) $setting: $type,)*
        }

        impl<E: $crate::Element> $crate::Op<E> for $op {
            fn name(&self) -> &'static str {
                $name
            }
            fn shape(&$for_shape, $shapes: &[$crate::Shape]) -> Result<$crate::Shape, $crate::ShapeError> $shape
            fn forward(&$for_forward, $operands: $crate::Operands<'_, E>) -> $crate::Array<E> $forward
            fn backward(&$for_backward, $at: &mut $crate::Vjp<'_, E>) $backward
        }
    )*};
}

pub(crate) mod arithmetic;
pub(crate) mod checkpoint;
pub(crate) mod concat;
pub(crate) mod functions;
pub(crate) mod gather;
pub(crate) mod masking;
pub(crate) mod matmul;
pub(crate) mod pointwise;
pub(crate) mod reductions;
pub(crate) mod through;
pub(crate) mod view;
