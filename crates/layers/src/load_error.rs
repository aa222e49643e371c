//! Why the tensors of a file do not fit a module: every one that is missing, unexpected or of another shape, by name.

use rungs_tensor::Shape;

/// Tensors that do not fit a module, all of them by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.line())]
pub struct LoadError {
    /// Parameters of the module for which there was no tensor.
    pub missing: Vec<String>,
    /// Tensors that no parameter of the module is called.
    pub unexpected: Vec<String>,
    /// Tensors whose shape is not their parameter's.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor whose shape is not its parameter's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// The parameter's name.
    pub name: String,
    /// The module's shape.
    pub expected: Shape,
    /// The tensor's shape.
    pub found: Shape,
}

impl LoadError {
    /// Nothing, if every tensor fits.
    ///
    /// # Errors
    /// If one does not: all of them.
    pub fn into_result(self) -> Result<(), Self> {
        if self == Self::default() { Ok(()) } else { Err(self) }
    }

    fn line(&self) -> String {
        let shape = |m: &Misshapen| format!("{} is {} where {} is needed", m.name, m.found, m.expected);
        let misshapen: Vec<String> = self.misshapen.iter().map(shape).collect();
        let problems = [("missing", &self.missing), ("unexpected", &self.unexpected), ("wrong shape", &misshapen)];
        let problems = problems.into_iter().filter(|(_, names)| !names.is_empty());
        let problems: Vec<String> = problems.map(|(what, names)| format!("{what}: {}", listed(names))).collect();
        format!("tensors do not fit the model: {}", problems.join("; "))
    }
}

/// The first few items and how many more there are; a mismatched model can have hundreds.
fn listed(items: &[String]) -> String {
    let (shown, more) = items.split_at(items.len().min(3));
    let shown = shown.join(", ");
    if more.is_empty() { shown } else { format!("{shown} and {} more", more.len()) }
}
