//! The modules are steps on the path of a request, and import only from steps before them.

use std::fs;
use std::path::{Path, PathBuf};

/// The path, as the crate's documentation has it.
const PATH: [&str; 25] = [
    "causes",
    "opaque",
    "json",
    "clock",
    "step",
    "threads",
    "head",
    "rejection",
    "dangerous",
    "store",
    "fetch",
    "credentials",
    "key",
    "claims",
    "verify",
    "bound",
    "revocation",
    "authenticate",
    "guard",
    "respond",
    "tonic_status",
    "layer",
    "extract",
    "issuer",
    "redis_store",
];

/// May use everything: it stands beside the path.
const BESIDE: [&str; 5] = ["testing", "threat_model", "guide", "lib", "prelude"];

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Without test modules that stand in the file: from `#[cfg(test)] mod .. {` to the brace that closes
/// it, which rustfmt puts below the `m` of `mod`.
fn without_test_modules(source: &str) -> String {
    let mut code = String::new();
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        let line_is = |start| line.trim_start().starts_with(start);
        let test_only = line_is("#[cfg(test)]") || line_is("#[cfg(all(test,");
        let module = lines.peek().filter(|next| {
            let next = next.trim_start();
            test_only && next.starts_with("mod ") && next.ends_with('{')
        });
        if let Some(module) = module {
            let end = format!("{}}}", " ".repeat(module.len() - module.trim_start().len()));
            lines.by_ref().find(|line| *line == end).expect("the brace that closes the module");
        } else if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// The modules that a source file names as `crate::module` outside of comments and test modules.
fn imports(source: &str) -> Vec<String> {
    let code = without_test_modules(source);
    let names = code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

/// Files that hold nothing but unit tests.
fn is_of_tests(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_str().unwrap();
    name == "tests" || name.ends_with("_tests") || file.iter().any(|folder| folder == "tests")
}

#[test]
fn every_module_imports_only_from_those_before_it_on_the_path() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    let mut checked = 0;
    let mut wrong = Vec::new();
    for file in sources(&src) {
        let relative = file.strip_prefix(&src).unwrap();
        let first = relative.components().next().unwrap();
        let module = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap();
        if BESIDE.contains(&module) || is_of_tests(relative) {
            continue;
        }
        let Some(place) = PATH.iter().position(|step| *step == module) else {
            wrong.push(format!("{} is on no known step of the path", relative.display()));
            continue;
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            checked += 1;
            match PATH.iter().position(|step| *step == import) {
                Some(step) if step <= place => {}
                _ => wrong.push(format!("{} imports crate::{import}", relative.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "against the path:\n{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} imports were found: the test looks at nothing");
}

#[test]
fn the_test_finds_imports() {
    let source = "use crate::layer::AuthLayer;\nlet x = crate::extract::y();\n// crate::not_this\n";
    assert_eq!(imports(source), ["layer", "extract"]);
    // What comes after a test module, or is marked itself, is read too.
    let source = "#[cfg(test)]\nmod tests {\n    use crate::layer::A;\n}\nuse crate::verify::B;\n\
                  #[cfg(test)]\nmod model;\n#[cfg(test)]\nuse crate::guard::C;\n";
    assert_eq!(imports(source), ["verify", "guard"]);
}
