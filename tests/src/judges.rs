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
/// Where it finds one that is not, or another number of `observations` or of `tables`.
pub fn by_frictionless(bundle: &Path, observations: usize, tables: usize) {
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
    assert_eq!((&told["valid"], &told["tables"]), (&json!(true), &json!(tables)), "{told}");
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
    info = pyogrio.read_info(path, layer='observations')
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
    for (n, one) in told.iter().enumerate() {
        // The table of styles has to be listed where QGIS is to find it; it is no layer of a map.
        let layers = if n == 0 { json!(["observations", "layer_styles"]) } else { json!(["observations"]) };
        assert_eq!((&one["features"], &one["layers"]), (&json!(observations), &layers), "{one}");
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

/// What GDAL reads of the files that had to be asked for: of each layer its reference system, its kind of geometry, and every row with its place.
/// `None` where GDAL cannot be had.
///
/// # Panics
/// Where it cannot read one, or warns.
#[must_use]
pub fn rows_by_gdal(paths: &[PathBuf]) -> Option<Vec<Value>> {
    let Some(python) = python_with("pyogrio", &["pyogrio==0.13.0", "numpy"]) else {
        skip("office", "GDAL could not be installed (python3 with venv and the package index are needed)");
        return None;
    };
    let ask = "import json, struct, sys, pyogrio
def place(wkb):
    return None if wkb is None else list(struct.unpack('<dd', bytes(wkb)[5:21])) if bytes(wkb)[1:5] in (b'\\x01\\0\\0\\0', b'\\x01\\0\\0\\x80') else 'a line'
def layer(path, name):
    meta, _, places, columns = pyogrio.raw.read(path, layer=name, datetime_as_string=True)
    rows = [{'at': place(places[n]) if places is not None else None, **{field: plain(column[n]) for field, column in zip(meta['fields'].tolist(), columns)}}
            for n in range(len(columns[0]))]
    return {'name': name, 'crs': meta['crs'], 'geometry': meta['geometry_type'], 'rows': rows}
def plain(value):
    value = value.item() if hasattr(value, 'item') else value
    return value if value is None or isinstance(value, (str, bool)) or value == value else None
print(json.dumps([[layer(path, str(name)) for name in pyogrio.list_layers(path)[:, 0]] for path in sys.argv[1:]]))";
    let out = Command::new(&python).arg("-c").arg(ask).args(paths).output().expect("it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stderr), "", "not even a warning");
    Some(serde_json::from_slice(&out.stdout).expect("it"))
}

/// What a plain reader of XML and of SQLite finds of the project for QGIS and of the style beside it.
///
/// # Panics
/// Where the project is no XML, leads to no layer, or the form to a photo that is not there; gives `None` where there is no Python.
#[must_use]
pub fn of_project(bundle: &Path) -> Option<Value> {
    let ask = "import json, os, sqlite3, sys
from xml.etree import ElementTree
def look(root):
    names = [(one.get('value'), one.get('label'), one.get('symbol')) for one in root.iter('category')]
    colours = {one.get('name'): one.find('layer/Option/Option[@name=\"color\"]').get('value') for one in root.iter('symbol')}
    form = root.find('.//fieldConfiguration/field[@name=\"photo\"]/editWidget')
    return {'signs': [[value, label, colours[symbol]] for value, label, symbol in names], 'widget': form.get('type'),
            'storage': form.find('.//Option[@name=\"RelativeStorage\"]').get('value')}
project = os.path.join(sys.argv[1], 'data', 'open-in-QGIS.qgs')
folder = os.path.dirname(project)
root = ElementTree.parse(project).getroot()
file, layer = root.find('projectlayers/maplayer/datasource').text.split('|layername=')
gpkg = sqlite3.connect('file:' + os.path.join(folder, file) + '?mode=ro', uri=True)
photos = [photo for photo, in gpkg.execute('SELECT photo FROM \"' + layer + '\" WHERE photo IS NOT NULL')]
for photo in photos:
    assert not os.path.isabs(photo) and os.path.isfile(os.path.join(folder, photo)), photo
styles = gpkg.execute('SELECT f_table_name, f_geometry_column, styleQML, styleSLD, useAsDefault FROM layer_styles').fetchall()
assert len(styles) == 1 and styles[0][:2] == ('observations', 'geom') and styles[0][4] == 1, styles
ElementTree.fromstring(styles[0][3])
print(json.dumps({'title': root.find('title').text, 'project': look(root), 'style': look(ElementTree.fromstring(styles[0][2])), 'photos': photos}))";
    let Ok(out) = Command::new("python3").arg("-c").arg(ask).arg(bundle).output() else {
        skip("office", "there is no python3 to read the project with");
        return None;
    };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(serde_json::from_slice(&out.stdout).expect("it"))
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
