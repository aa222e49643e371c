//! The reader of arrows on small sources, each with one thing to find or to leave alone.

use super::cycles::Arrows;
use super::mentions::mentions;
use super::modules::{CrateSources, Program};
use super::{circles, set, upward};

/// Files of one made-up crate: path from `src` and source.
type Files<'s> = &'s [(&'s str, &'s str)];

fn program(crates: &[(&str, Files<'_>)]) -> Program {
    let sources = |&(folder, files): &(&str, Files<'_>)| CrateSources {
        folder: folder.to_owned(),
        library: folder.to_owned(),
        files: files.iter().map(|&(path, source)| (path.to_owned(), source.to_owned())).collect(),
    };
    Program::new(&crates.iter().map(sources).collect::<Vec<_>>())
}

/// All arrows of a crate, each with its names, and the cycles that the test would report.
fn read(krate: &str, files: Files<'_>) -> (String, Vec<String>) {
    let program = program(&[(krate, files)]);
    let arrows = Arrows::new(&program, &mentions(&program), krate);
    let all = files.iter().map(|&(path, _)| path.to_owned()).collect();
    (arrows.describe(&all), circles(&arrows, krate))
}

#[track_caller]
fn assert_arrows(files: Files<'_>, expected: &[&str]) {
    let (arrows, _) = read("low", files);
    assert_eq!(arrows.lines().map(str::trim).collect::<Vec<_>>(), expected);
}

#[test]
fn a_cycle_through_a_reexport_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "pub struct A(crate::B);"),
        ("b.rs", "use crate::A;\npub enum B { Of(Box<A>), }"),
    ];
    let (_, cycles) = read("low", &files);
    let [cycle] = cycles.as_slice() else { panic!("{cycles:?}") };
    assert!(cycle.contains("a.rs, b.rs depend on one another"), "{cycle}");
    assert!(cycle.contains("a.rs → b.rs: B (line 1)"), "{cycle}");
    assert!(cycle.contains("b.rs → a.rs: A (line 1)"), "{cycle}");
}

#[test]
fn a_longer_cycle_is_found_whole_and_what_leads_to_it_is_no_part() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod user;"),
        ("a.rs", "pub fn a() { crate::b::b() }"),
        ("b.rs", "pub fn b() { super::c::c() }"),
        ("c.rs", "pub fn c() { use crate::a; a::a() }"),
        ("user.rs", "pub fn user() { crate::a::a() }"),
    ];
    let program = program(&[("low", &files)]);
    let cycles = Arrows::new(&program, &mentions(&program), "low").cycles();
    assert_eq!(cycles, [set(&["a.rs", "b.rs", "c.rs"])]);
}

#[test]
fn what_a_parent_imports_from_a_sibling_is_an_arrow_to_the_sibling() {
    let parent = "mod a; mod b; pub use a::{A, Other as Renamed}; pub use self::a::*; pub struct Own;";
    let files = [
        ("lib.rs", "mod parent;"),
        ("parent.rs", parent),
        ("parent/a.rs", "pub struct A; pub struct Other; pub struct Third;"),
        ("parent/b.rs", "use super::{A, Renamed, Third};"),
    ];
    assert_arrows(&files, &["parent/b.rs → parent/a.rs: A (line 1), Other (line 1), Third (line 1)"]);
}

#[test]
fn what_a_parent_defines_is_an_arrow_to_the_parent() {
    let files = [
        ("lib.rs", "mod parent;"),
        ("parent.rs", "mod child; pub struct Own;"),
        ("parent/child.rs", "pub fn f(_: super::Own) {}"),
    ];
    assert_arrows(&files, &["parent/child.rs → parent.rs: Own (line 1)"]);
}

#[test]
fn a_facade_is_no_arrow_until_its_own_code_uses_the_name() {
    let facade = [("lib.rs", "mod a; pub use a::A;"), ("a.rs", "pub struct A;")];
    assert_arrows(&facade, &[]);
    let used = [("lib.rs", "mod a; pub use a::A;\npub fn f(_: &A) {}"), ("a.rs", "pub struct A;")];
    assert_arrows(&used, &["lib.rs → a.rs: A (line 2)"]);
    let sideways = [("lib.rs", "mod a; mod b;"), ("a.rs", "pub struct A;"), ("b.rs", "pub use crate::a::A;")];
    assert_arrows(&sideways, &["b.rs → a.rs: A (line 1)"]);
}

#[test]
fn paths_count_wherever_they_stand() {
    for code in [
        "use crate::a::A;",
        "use crate::{a as other};\nfn f(_: other::A) {}",
        "fn f() -> crate::a::A { todo!() }",
        "fn f<T: crate::a::A>() {}",
        "fn f<T>(_: T) where T: super::a::A {}",
        "fn f(x: u8) -> bool { matches!(x, crate::a::A) }",
        "fn f(x: u8) { match x { crate::a::A => {} _ => {} } }",
        "fn f() { let _ = <crate::a::A>::new(); }",
        "impl crate::a::A for u8 {}",
        "fn f() { use crate::a::*; let _ = A; }",
        "mod inner { fn f(_: super::super::a::A) {} }",
        "type T = Vec<Option<crate::a::A>>;",
    ] {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "pub struct A;"), ("b.rs", code)];
        let (arrows, _) = read("low", &files);
        assert!(arrows.starts_with("  b.rs → a.rs: A (line "), "{code}: {arrows:?}");
    }
}

#[test]
fn code_for_tests_is_left_out() {
    let files = [
        ("lib.rs", "mod a; mod b; #[cfg(test)] mod tests; #[cfg(all(test, unix))] mod on_unix;"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "#[cfg(test)] use crate::a::A; #[cfg(test)] mod inner { use crate::a::A; }"),
        ("tests.rs", "use crate::a::A;"),
        ("on_unix.rs", "use crate::a::A;"),
    ];
    assert_arrows(&files, &[]);
    let not = [("lib.rs", "mod a; #[cfg(not(test))] fn f(_: a::A) {}"), ("a.rs", "pub struct A;")];
    assert_arrows(&not, &["lib.rs → a.rs: A (line 1)"]);
}

#[test]
fn paths_in_the_tokens_of_macros_are_found() {
    for code in [
        "fn f() { println!(\"{}\", crate::a::A) }",
        "macro_rules! m { ($x:ident) => { $crate::a::A } }",
        "macro_rules! m { () => { super::a::A } }",
        "macro_rules! m { ($m:ident) => { mod $m { use super::super::a::A; } } }",
        "macro_rules! m { () => { use crate::a::{B, A}; } }",
        "use crate::a;\nfn f() { assert!(vec![a::A].is_empty()) }",
    ] {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "pub struct A; pub struct B;"), ("b.rs", code)];
        let (arrows, _) = read("low", &files);
        assert!(arrows.starts_with("  b.rs → a.rs: A (line "), "{code}: {arrows:?}");
    }
    let field =
        [("lib.rs", "mod a; pub use a::size; fn f(x: X) { assert!(x.size == 1) }"), ("a.rs", "pub fn size() {}")];
    assert_arrows(&field, &[]);
}

#[test]
fn macros_are_arrows_to_their_definition() {
    for (defined, used) in [
        ("#[macro_export] macro_rules! m { () => {} }", "use crate::m;\nm!();"),
        ("#[macro_export] macro_rules! m { () => {} }", "crate::m!();"),
        ("macro_rules! m { () => {} } pub(crate) use m;", "use crate::a::m;\nfn f() { m!() }"),
        ("macro_rules! m { () => {} }", "m!();"),
    ] {
        let files = [("lib.rs", "#[macro_use] mod a; mod b;"), ("a.rs", defined), ("b.rs", used)];
        let (arrows, _) = read("low", &files);
        assert!(arrows.starts_with("  b.rs → a.rs: m"), "{used}: {arrows:?}");
    }
}

#[test]
fn a_name_that_only_a_macro_writes_belongs_to_its_module() {
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "make!(Written);"), ("b.rs", "use crate::a::Written;")];
    assert_arrows(&files, &["b.rs → a.rs: crate::a::Written (line 1)"]);
}

#[test]
fn the_core_may_be_a_cycle_and_nothing_may_join_it() {
    let lib = "mod tensor; mod op; mod autograd; mod shape;";
    let [tensor, autograd] = ["pub struct Tensor; use crate::op::Op;", "pub struct Graph; use crate::op::Op;"];
    let op = "pub struct Op; use crate::{tensor::Tensor, autograd::Graph};";
    let core = [("lib.rs", lib), ("tensor.rs", tensor), ("op.rs", op), ("autograd.rs", autograd)];
    let with_shape = |shape| [&core[..], &[("shape.rs", shape)]].concat();
    assert_eq!(read("tensor", &with_shape("")).1, [""; 0]);
    assert_eq!(read("layers", &with_shape("")).1.len(), 1, "the cycle is allowed in one crate alone");

    let joined = with_shape("pub struct Shape; fn f(_: crate::op::Op) {}");
    assert_eq!(read("tensor", &joined).1, [""; 0], "an arrow to the core is not yet a cycle");
    let mut joined = joined;
    joined[1].1 = "pub struct Tensor(crate::shape::Shape); use crate::op::Op;";
    assert_eq!(read("tensor", &joined).1.len(), 1);
}

#[test]
fn an_upward_arrow_is_found_with_its_line() {
    let table: &[(&str, &[&str])] = &[("low", &[]), ("middle", &["low"]), ("high", &["middle"])];
    let found = |low, middle, high| {
        let program =
            program(&[("low", &[("lib.rs", low)]), ("middle", &[("lib.rs", middle)]), ("high", &[("lib.rs", high)])]);
        upward(&program, &mentions(&program), table)
    };
    assert_eq!(found("pub struct A;", "use low::A; pub use low as under;", "use middle::B;"), [""; 0]);
    assert_eq!(found("\nuse middle::B;", "pub struct B;", ""), ["crates/low/src/lib.rs:2: names middle (B, middle)"]);
    // What is reached through a re-export belongs to the crate that defines it.
    let through = found("pub struct A;", "pub use low as under;", "fn f(_: middle::under::A) {}");
    assert_eq!(through, ["crates/high/src/lib.rs:1: names low (A)"]);
}

#[test]
fn files_that_no_module_declares_are_reported() {
    let files =
        [("lib.rs", "#[cfg(test)] mod tests;"), ("tests.rs", "mod more;"), ("tests/more.rs", ""), ("lost.rs", "")];
    let krate = CrateSources {
        folder: "low".to_owned(),
        library: "low".to_owned(),
        files: files.map(|(path, source)| (path.to_owned(), source.to_owned())).into(),
    };
    assert_eq!(Program::new(std::slice::from_ref(&krate)).unread(&krate), ["lost.rs"]);
}
