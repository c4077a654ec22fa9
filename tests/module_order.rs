//! The modules are steps on the path of a request, and import only from steps before them.

use std::fs;
use std::path::{Path, PathBuf};

/// The path, as the crate's documentation has it.
const PATH: [&str; 20] = [
    "opaque",
    "clock",
    "step",
    "head",
    "rejection",
    "dangerous",
    "store",
    "fetch",
    "credentials",
    "key",
    "claims",
    "verify",
    "revocation",
    "authenticate",
    "guard",
    "respond",
    "layer",
    "extract",
    "issuer",
    "redis_store",
];

/// May use everything: it stands beside the path.
const BESIDE: [&str; 3] = ["testing", "threat_model", "lib"];

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

/// The modules that a source file names as `crate::module` outside of comments and test modules.
fn imports(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let names = code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

#[test]
fn every_module_imports_only_from_those_before_it_on_the_path() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    let mut wrong = Vec::new();
    for file in sources(&src) {
        let relative = file.strip_prefix(&src).unwrap();
        let first = relative.components().next().unwrap();
        let module = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap();
        if BESIDE.contains(&module) || relative.to_string_lossy().ends_with("_tests.rs") {
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
}
