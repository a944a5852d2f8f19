//! What strangers' programs say of a bundle: the validators and readers on which offices and libraries stand.
//!
//! Tests of export ask them. Each is a Python package in an environment of its own; where it cannot be had, that is said and counted.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::lan::skip;

/// The validator of the Library of Congress, in an environment of its own.
///
/// # Panics
/// Where it finds a fault.
pub fn by_bagit_py(bundle: &Path) {
    let Some(python) = python_with("bagit", &["setuptools<81", "bagit==1.8.1"]) else {
        return skip("export", "bagit.py could not be installed (python3 with venv and the package index are needed)");
    };
    let out = Command::new(&python).args(["-m", "bagit", "--validate", bundle.to_str().expect("it")]).output().expect("it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    println!("bagit.py finds the bundle valid");
}

/// The validator of Data Packages: each cell is of the type that its column says, and each key leads somewhere.
///
/// # Panics
/// Where it finds one that is not, or another number of `observations`.
pub fn by_frictionless(bundle: &Path, observations: usize) {
    let Some(python) = python_with("frictionless", &["frictionless==5.18.1"]) else {
        return skip("export", "frictionless could not be installed (python3 with venv and the package index are needed)");
    };
    let ask = "import json, sys, frictionless
report = frictionless.validate(sys.argv[1])
print(json.dumps({'valid': report.valid, 'tables': len(report.tasks), 'rows': [task.stats.get('rows') for task in report.tasks],
                  'errors': report.flatten(['title', 'message'])}))";
    let package = bundle.join("data/datapackage.json");
    let out = Command::new(&python).arg("-c").arg(ask).arg(&package).output().expect("it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let told: Value = serde_json::from_slice(&out.stdout).expect("it");
    assert_eq!((&told["valid"], &told["tables"]), (&json!(true), &json!(4)), "{told}");
    assert_eq!(told["rows"][0], json!(observations), "{told}");
    println!("frictionless finds the tables valid");
}

/// What GDAL, on which nearly every map program stands, reads of the files that people open.
///
/// # Panics
/// Where that is not what the tests of export put in.
pub fn by_gdal(bundle: &Path, observations: usize) {
    let Some(python) = python_with("pyogrio", &["pyogrio==0.13.0", "numpy"]) else {
        return skip("export", "GDAL could not be installed (python3 with venv and the package index are needed)");
    };
    let ask = "import json, sys, pyogrio
def told(path):
    info = pyogrio.read_info(path)
    return {'layers': [str(one) for one in pyogrio.list_layers(path)[:, 0]], 'features': int(info['features']), 'crs': info['crs'],
            'geometry': info['geometry_type'], 'types': dict(zip(info['fields'].tolist(), info['dtypes'].tolist())),
            'bounds': info['total_bounds']}
print(json.dumps([told(path) for path in sys.argv[1:]]))";
    let names = ["gpkg", "geojson", "csv", "xlsx"].map(|name| format!("data/observations.{name}"));
    let paths = names.map(|path| bundle.join(path));
    let out = Command::new(&python).arg("-c").arg(ask).args(&paths).output().expect("it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stderr), "", "not even a warning");
    let told: Vec<Value> = serde_json::from_slice(&out.stdout).expect("it");
    for one in &told {
        assert_eq!((&one["features"], &one["layers"]), (&json!(observations), &json!(["observations"])), "{one}");
    }
    assert_eq!((&told[3]["types"]["lat"], &told[3]["types"]["set.tree.height_m"]), (&json!("float64"), &json!("int32")));
    let gpkg = &told[0];
    assert_eq!((&gpkg["crs"], &gpkg["geometry"]), (&json!("EPSG:4326"), &json!("Point")));
    assert_eq!(gpkg["bounds"][0], json!(-76.36));
    let types = &gpkg["types"];
    assert_eq!((&types["set.tree.height_m"], &types["notes"]), (&json!("float64"), &json!("object")), "{types}");
    assert!(types["created_at"].as_str().expect("it").starts_with("datetime64"), "{types}");
    println!("GDAL reads the GeoPackage, the GeoJSON, the CSV and the workbook");
}

/// A Python that has this module, installed into a folder of its own; `None` where that cannot be had.
fn python_with(module: &str, packages: &[&str]) -> Option<PathBuf> {
    let place = std::env::temp_dir().join(format!("maloca-test-{module}"));
    let python = place.join("bin/python");
    let run = |program: &Path, args: &[&str]| Command::new(program).args(args).output().is_ok_and(|out| out.status.success());
    let import = format!("import {module}");
    let install: Vec<&str> = ["-m", "pip", "install", "-q"].iter().chain(packages).copied().collect();
    let is_there = run(&python, &["-c", &import])
        || (run(Path::new("python3"), &["-m", "venv", place.to_str()?])
            && run(&python, &install)
            && run(&python, &["-c", &import]));
    is_there.then_some(python)
}
