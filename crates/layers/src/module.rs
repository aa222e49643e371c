//! What is trained: every parameter by name, in the order of declaration.
//!
//! A [`Module`] shows its parameters to a visitor; counting, saving, loading, freezing and optimizing are visits. A
//! name is the path of fields that leads to the tensor, `blocks.3.attention.qkv.weight`, and the order is that of the
//! declaration, so neither depends on a hash map or on when a tensor was made.
//!
//! There is no `forward` here: a recurrent layer takes a state, an embedding takes ids, and a common signature would
//! have to lie about one of them.

use crate::LoadError;
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Element, Tensor};
use std::any::Any;
use std::fmt::{Display, Write};

/// The dotted name of the place a visit has reached. One buffer serves a whole visit.
#[derive(Debug, Default)]
pub struct Path(String);

impl Path {
    /// The root, whose name is empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of this place, `blocks.3.attention.qkv.weight`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Visits a place one step further in, and comes back.
    pub fn enter(&mut self, segment: impl Display, visit: impl FnOnce(&mut Path)) {
        let length = self.0.len();
        let dot = if length == 0 { "" } else { "." };
        write!(self.0, "{dot}{segment}").expect("a String takes all that is written to it");
        visit(self);
        self.0.truncate(length);
    }
}

/// Something with parameters: a tensor, a layer, a model.
///
/// Layers implement it with [`parameters!`](crate::parameters). It is implemented for [`Tensor`] (a parameter),
/// `Option` (which adds nothing to the name), `Vec` (which adds the index) and `Box`, and can be made into an object.
pub trait Module<E: Element>: 'static {
    /// Shows every parameter below `path` with its full name, in the order of declaration.
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>));

    /// Shows every part below `path` with its full name, to be changed: modules, itself first, and parameters, the same
    /// in the same order as [`visit`](Module::visit) shows.
    ///
    /// Parts of one type are found by [downcasting](Any): parameters by [`for_each_mut`](Module::for_each_mut), linear
    /// layers by [`for_each_linear`](crate::linear::for_each_linear). `Option`, `Vec` and `Box` show only what they
    /// hold.
    #[doc(alias = "named_modules")]
    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any));

    /// Calls `f` with every parameter and its name.
    fn for_each<'a>(&'a self, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        self.visit(&mut Path::new(), f);
    }

    /// Calls `f` with every parameter and its name, to change it.
    fn for_each_mut(&mut self, f: &mut dyn FnMut(&str, &mut Tensor<E>)) {
        self.visit_mut(&mut Path::new(), &mut |name, part| {
            if let Some(parameter) = part.downcast_mut() {
                f(name, parameter);
            }
        });
    }

    /// The number of trainable numbers.
    fn parameter_count(&self) -> usize {
        let mut count = 0;
        self.for_each(&mut |_, parameter| count += parameter.shape().size());
        count
    }

    /// Every parameter with its name. Clones are cheap: they share the numbers.
    fn named(&self) -> Vec<(String, Tensor<E>)> {
        let mut named = Vec::new();
        self.for_each(&mut |name, parameter| named.push((name.to_owned(), parameter.clone())));
        named
    }

    /// The values of all parameters by name, as [`load`](Self::load) takes them, sharing their storage.
    #[doc(alias = "state_dict")]
    fn weights(&self) -> Named<E> {
        self.named().into_iter().map(|(name, parameter)| (name, parameter.array().clone())).collect()
    }

    /// Takes the values of all parameters from `tensors`, or changes nothing.
    ///
    /// A parameter that was frozen (a constant) stays frozen.
    ///
    /// # Errors
    /// If a parameter is missing from `tensors` or has another shape there, or if `tensors` holds a name that this
    /// module does not have.
    fn load(&mut self, tensors: &Named<E>) -> Result<(), LoadError> {
        let needed = self.named().into_iter().map(|(name, parameter)| (name, parameter.shape()));
        LoadError::check(needed, tensors, |_| true)?;
        self.for_each_mut(&mut |name, parameter| {
            let array = tensors[name].clone();
            *parameter = if parameter.is_tracked() { Tensor::variable(array) } else { Tensor::constant(array) };
        });
        Ok(())
    }

    /// The same module with constants for parameters: it shares their values, and no gradient flows to them.
    ///
    /// A forward of a detached module on constants records nothing, which is how one evaluates and generates.
    fn detached(&self) -> Self
    where
        Self: Sized + Clone,
    {
        let mut detached = self.clone();
        detached.for_each_mut(&mut |_, parameter| *parameter = parameter.detached());
        detached
    }

    /// A copy of the module with these tensors for its parameters, one for each in the order of declaration.
    ///
    /// # Panics
    /// If there are fewer.
    #[doc(alias = "functional_call")]
    #[track_caller]
    fn with_parameters(&self, parameters: impl IntoIterator<Item = Tensor<E>>) -> Self
    where
        Self: Sized + Clone,
    {
        let (mut module, mut parameters) = (self.clone(), parameters.into_iter());
        module.for_each_mut(&mut |_, parameter| *parameter = parameters.next().expect("one for each parameter"));
        module
    }
}

impl<E: Element> Module<E> for Tensor<E> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        f(path.as_str(), self);
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        f(path.as_str(), self);
    }
}

impl<E: Element, M: Module<E>> Module<E> for Option<M> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        self.iter().for_each(|module| module.visit(path, f));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        self.iter_mut().for_each(|module| module.visit_mut(path, f));
    }
}

impl<E: Element, M: Module<E>> Module<E> for Vec<M> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        for (index, module) in self.iter().enumerate() {
            path.enter(index, |path| module.visit(path, f));
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        for (index, module) in self.iter_mut().enumerate() {
            path.enter(index, |path| module.visit_mut(path, f));
        }
    }
}

impl<E: Element, M: Module<E> + ?Sized> Module<E> for Box<M> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, &'a Tensor<E>)) {
        (**self).visit(path, f);
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut dyn Any)) {
        (**self).visit_mut(path, f);
    }
}

/// Implements [`Module`] for a struct that is generic over its element, and perhaps over what its parts
/// compute: `parameters!(Model<Q: Equations> { … })`.
///
/// It is written like the pattern that takes the struct apart: a field by its name is a parameter or holds some,
/// `field: _` holds none. As in a pattern, every field must be mentioned, so a parameter cannot be forgotten: one
/// that the optimizer never sees would stay at its first value without a word.
///
/// ```
/// use rungs_layers::tensor::{Element, Rng, Tensor};
/// use rungs_layers::{Bias, Init, Linear, Module, parameters};
///
/// /// y = a·(xW + b), with a learnt scale.
/// struct Scaled<E: Element> {
///     scale: Tensor<E>,
///     linear: Linear<E>,
///     label: &'static str,
/// }
/// parameters!(Scaled { scale, linear, label: _ });
///
/// let mut rng = Rng::new(0);
/// let module: Scaled<f32> = Scaled {
///     scale: Init::Ones.tensor([1], &mut rng),
///     linear: Linear::new(3, 2, Bias::Yes, Init::XavierUniform, &mut rng),
///     label: "an example",
/// };
/// let names: Vec<String> = module.named().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["scale", "linear.weight", "linear.bias"]);
/// assert_eq!(module.parameter_count(), 1 + 3 * 2 + 2);
/// # assert_eq!(module.label, "an example");
/// ```
///
/// A field left out does not compile:
///
/// ```compile_fail,E0027
/// use rungs_layers::{parameters, tensor::{Element, Tensor}};
/// struct Affine<E: Element> { weight: Tensor<E>, bias: Tensor<E> }
/// parameters!(Affine { weight });
/// ```
#[macro_export]
macro_rules! parameters {
    ($module:ident $(< $part:ident : $bound:path >)? { $($field:ident $(: $none:tt)?),+ $(,)? }) => {
        impl<E: $crate::tensor::Element $(, $part: $bound)?> $crate::Module<E> for $module<E $(, $part)?> {
            fn visit<'a>(&'a self, path: &mut $crate::Path, f: &mut dyn FnMut(&str, &'a $crate::tensor::Tensor<E>)) {
                let Self { $($field $(: $none)?),+ } = self;
                $($crate::parameters!(@field visit, path, f, $field $(: $none)?);)+
            }

            fn visit_mut(&mut self, path: &mut $crate::Path, f: &mut dyn FnMut(&str, &mut dyn ::std::any::Any)) {
                f(path.as_str(), self);
                let Self { $($field $(: $none)?),+ } = self;
                $($crate::parameters!(@field visit_mut, path, f, $field $(: $none)?);)+
            }
        }
    };
    (@field $visit:ident, $path:ident, $f:ident, $field:ident: _) => {};
    (@field $visit:ident, $path:ident, $f:ident, $field:ident) => {
        $path.enter(stringify!($field), |path| $crate::Module::$visit($field, path, $f));
    };
}

#[cfg(test)]
mod tests;
