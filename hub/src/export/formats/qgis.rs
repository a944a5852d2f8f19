//! `open-in-QGIS.qgs`: a project of QGIS 3 that opens `observations.gpkg`, each category in its colour and the first photo in the form; and the
//! same style for the GeoPackage's own table of styles, so that the layer looks so in any project.
//!
//! [`super::super::run`] writes the project into every bundle, [`super::gpkg`] keeps the [`Style`]. It promises: every path is relative, so that
//! the folder may lie anywhere; every text of people is a text and no markup.
//!
//! What differs between the two is where the photo is looked for: the project's own folder, or the layer's, wherever the project that shows it lies.
//! Symbols are written twice, as QGIS did from 3.18 to 3.26, so that older and newer ones both read them.

use std::fmt::Write as _;

use super::super::legend::{Colour, Legend, OTHERS, OTHERS_NAME};
use super::gpkg::{LAYER, PHOTO};
use super::xml::escaped;

/// The version that these files are written as.
const VERSION: &str = "3.22.0-Białowieża";

/// How high a photo is in the form, in points of the screen; left to itself it is as small as a stamp where there are many columns.
const PHOTO_HEIGHT: u16 = 320;

/// What QGIS begins its files with.
const DOCTYPE: &str = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n";

/// Where the layer lies, as the project says it.
const SOURCE: &str = "./observations.gpkg|layername=observations";

/// The layer's name in the project.
const LAYER_ID: &str = "observations_maloca";

/// WGS 84, as QGIS spells it.
const SRS: &str = r#"<spatialrefsys nativeFormat="Wkt"><wkt>GEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4326]]</wkt><proj4>+proj=longlat +datum=WGS84 +no_defs</proj4><srsid>3452</srsid><srid>4326</srid><authid>EPSG:4326</authid><description>WGS 84</description><projectionacronym>longlat</projectionacronym><ellipsoidacronym>EPSG:7030</ellipsoidacronym><geographicflag>true</geographicflag></spatialrefsys>"#;

/// Bytes that a sign takes in a bundle at most: a symbol with a name and a key in the project and in the style, and a rule. Beside these, the rest of both.
pub const SIGN_BYTES: u64 = 16_000;

/// How the layer looks, as the GeoPackage's table of styles keeps it.
pub struct Style {
    /// For QGIS.
    pub qml: String,
    /// For other programs (OGC Styled Layer Descriptor 1.1).
    pub sld: String,
}

impl Style {
    /// The style of a legend.
    #[must_use]
    pub fn of(legend: &Legend) -> Self {
        let qml = format!(
            "{DOCTYPE}<qgis version=\"{VERSION}\" styleCategories=\"Symbology|Fields|Forms\" labelsEnabled=\"0\">\n{}{}<layerGeometryType>0</layerGeometryType>\n</qgis>\n",
            renderer(legend),
            form(&photo_widget(2, "file_path(layer_property(@layer_id, 'path'))")),
        );
        Self { qml, sld: sld(legend) }
    }
}

/// The project. `bounds`: west, south, east, north of the observations.
#[must_use]
pub fn project(title: &str, legend: &Legend, bounds: Option<[f64; 4]>) -> String {
    let [west, south, east, north] = around(bounds);
    let (title, source) = (escaped(title), escaped(SOURCE));
    let extent = format!("<extent><xmin>{west}</xmin><ymin>{south}</ymin><xmax>{east}</xmax><ymax>{north}</ymax></extent>");
    format!(
        "{DOCTYPE}<qgis version=\"{VERSION}\" projectname=\"{title}\">
<homePath path=\"\"/>
<title>{title}</title>
<projectCrs>{SRS}</projectCrs>
<layer-tree-group>
<customproperties/>
<layer-tree-layer id=\"{LAYER_ID}\" name=\"{LAYER}\" source=\"{source}\" providerKey=\"ogr\" checked=\"Qt::Checked\" expanded=\"1\"><customproperties/></layer-tree-layer>
<custom-order enabled=\"0\"><item>{LAYER_ID}</item></custom-order>
</layer-tree-group>
<mapcanvas name=\"theMapCanvas\" annotationsVisible=\"1\"><units>degrees</units>{extent}<rotation>0</rotation><destinationsrs>{SRS}</destinationsrs><rendermaptile>0</rendermaptile></mapcanvas>
<projectlayers>
<maplayer type=\"vector\" geometry=\"Point\" wkbType=\"Point\" labelsEnabled=\"0\" styleCategories=\"AllStyleCategories\">
<id>{LAYER_ID}</id>
<datasource>{source}</datasource>
<layername>{LAYER}</layername>
<srs>{SRS}</srs>
<provider encoding=\"UTF-8\">ogr</provider>
{}{}</maplayer>
</projectlayers>
<layerorder><layer id=\"{LAYER_ID}\"/></layerorder>
<properties><Paths><Absolute type=\"bool\">false</Absolute></Paths><SpatialRefSys><ProjectionsEnabled type=\"int\">1</ProjectionsEnabled></SpatialRefSys></properties>
</qgis>
",
        renderer(legend),
        form(&photo_widget(1, "")),
    )
}

/// What the map shows when it is opened: the observations with some air around them, or the world.
fn around(bounds: Option<[f64; 4]>) -> [f64; 4] {
    let Some([west, south, east, north]) = bounds else { return [-180.0, -90.0, 180.0, 90.0] };
    // A single place is shown with a kilometre around it.
    let air = ((east - west).max(north - south) / 20.0).max(0.01);
    [west - air, south - air, east + air, north + air]
}

/// A symbol for each category, and one for the others.
fn renderer(legend: &Legend) -> String {
    let mut text =
        "<renderer-v2 type=\"categorizedSymbol\" attr=\"category\" symbollevels=\"0\" enableorderby=\"0\" forceraster=\"0\">\n<categories>\n"
            .to_owned();
    let mut category = |key: &str, symbol: usize, name: &str| {
        let _ = writeln!(
            text,
            "<category type=\"string\" value=\"{}\" symbol=\"{symbol}\" label=\"{}\" render=\"true\"/>",
            escaped(key),
            escaped(name)
        );
    };
    let signs = legend.signs();
    for (at, sign) in signs.iter().enumerate() {
        category(&sign.key, at, &sign.name);
    }
    // The empty one is for whatever no other is for.
    category("", signs.len(), OTHERS_NAME);
    text.push_str("</categories>\n<symbols>\n");
    for (at, colour) in signs.iter().map(|sign| sign.colour).chain([OTHERS]).enumerate() {
        symbol(&mut text, at, colour);
    }
    text.push_str("</symbols>\n<rotation/>\n<sizescale/>\n</renderer-v2>\n");
    text
}

fn symbol(text: &mut String, name: usize, [red, green, blue]: Colour) {
    let properties = [
        ("color", format!("{red},{green},{blue},255")),
        ("name", "circle".into()),
        ("outline_color", "255,255,255,255".into()),
        ("outline_style", "solid".into()),
        ("outline_width", "0.4".into()),
        ("outline_width_unit", "MM".into()),
        ("size", "3.2".into()),
        ("size_unit", "MM".into()),
    ];
    let _ = write!(
        text,
        "<symbol name=\"{name}\" type=\"marker\" alpha=\"1\" clip_to_extent=\"1\" force_rhr=\"0\"><layer class=\"SimpleMarker\" enabled=\"1\" locked=\"0\" pass=\"0\"><Option type=\"Map\">"
    );
    for (key, value) in &properties {
        let _ = write!(text, "<Option name=\"{key}\" type=\"QString\" value=\"{value}\"/>");
    }
    text.push_str("</Option>");
    for (key, value) in &properties {
        let _ = write!(text, "<prop k=\"{key}\" v=\"{value}\"/>");
    }
    text.push_str("</layer></symbol>\n");
}

/// The widget that shows a picture. `storage`: 1 looks for it in the project's folder, 2 in that which `root` says.
fn photo_widget(storage: u8, root: &str) -> String {
    let properties = match root {
        "" => "<Option name=\"properties\" type=\"invalid\"/>".to_owned(),
        root => format!(
            "<Option name=\"properties\" type=\"Map\"><Option name=\"propertyRootPath\" type=\"Map\"><Option name=\"active\" type=\"bool\" value=\"true\"/>\
             <Option name=\"expression\" type=\"QString\" value=\"{}\"/><Option name=\"type\" type=\"int\" value=\"3\"/></Option></Option>",
            escaped(root)
        ),
    };
    format!(
        "<editWidget type=\"ExternalResource\"><config><Option type=\"Map\">\
         <Option name=\"DocumentViewer\" type=\"int\" value=\"1\"/><Option name=\"DocumentViewerHeight\" type=\"int\" value=\"{PHOTO_HEIGHT}\"/>\
         <Option name=\"DocumentViewerWidth\" type=\"int\" value=\"0\"/><Option name=\"FileWidget\" type=\"bool\" value=\"true\"/>\
         <Option name=\"FileWidgetButton\" type=\"bool\" value=\"true\"/><Option name=\"FileWidgetFilter\" type=\"QString\" value=\"\"/>\
         <Option name=\"PropertyCollection\" type=\"Map\"><Option name=\"name\" type=\"QString\" value=\"\"/>{properties}\
         <Option name=\"type\" type=\"QString\" value=\"collection\"/></Option>\
         <Option name=\"RelativeStorage\" type=\"int\" value=\"{storage}\"/><Option name=\"StorageMode\" type=\"int\" value=\"0\"/>\
         <Option name=\"UseLink\" type=\"bool\" value=\"true\"/></Option></config></editWidget>"
    )
}

/// How single observations are shown: QGIS chooses for each column, but for the photo and for notes, which have lines.
fn form(photo: &str) -> String {
    let notes = "<editWidget type=\"TextEdit\"><config><Option type=\"Map\"><Option name=\"IsMultiline\" type=\"bool\" value=\"true\"/>\
                 <Option name=\"UseHtml\" type=\"bool\" value=\"false\"/></Option></config></editWidget>";
    format!(
        "<fieldConfiguration>\n<field name=\"{PHOTO}\" configurationFlags=\"None\">{photo}</field>\n\
         <field name=\"notes\" configurationFlags=\"None\">{notes}</field>\n</fieldConfiguration>\n<editorlayout>generatedlayout</editorlayout>\n"
    )
}

/// The same circles for programs that are not QGIS.
fn sld(legend: &Legend) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<StyledLayerDescriptor xmlns=\"http://www.opengis.net/sld\" xmlns:se=\"http://www.opengis.net/se\" \
         xmlns:ogc=\"http://www.opengis.net/ogc\" version=\"1.1.0\">\n<NamedLayer><se:Name>{LAYER}</se:Name><UserStyle><se:Name>{LAYER}</se:Name>\
         <se:FeatureTypeStyle>\n"
    );
    let mut rule = |name: &str, which: &str, [red, green, blue]: Colour| {
        let _ = writeln!(
            text,
            "<se:Rule><se:Name>{0}</se:Name><se:Description><se:Title>{0}</se:Title></se:Description>{which}<se:PointSymbolizer><se:Graphic><se:Mark>\
             <se:WellKnownName>circle</se:WellKnownName><se:Fill><se:SvgParameter name=\"fill\">#{red:02x}{green:02x}{blue:02x}</se:SvgParameter></se:Fill>\
             <se:Stroke><se:SvgParameter name=\"stroke\">#ffffff</se:SvgParameter></se:Stroke></se:Mark><se:Size>11</se:Size></se:Graphic>\
             </se:PointSymbolizer></se:Rule>",
            escaped(name)
        );
    };
    for sign in legend.signs() {
        let which = format!(
            "<ogc:Filter><ogc:PropertyIsEqualTo><ogc:PropertyName>category</ogc:PropertyName><ogc:Literal>{}</ogc:Literal></ogc:PropertyIsEqualTo></ogc:Filter>",
            escaped(&sign.key)
        );
        rule(&sign.name, &which, sign.colour);
    }
    rule(OTHERS_NAME, "<se:ElseFilter/>", OTHERS);
    text.push_str("</se:FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use maloca_protocol::{DeviceKey, DocId, Draft, document};
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::xml::tests::{holdable, read};

    proptest! {
        #[test]
        fn any_name_comes_back_and_none_is_markup(title in any::<String>(), name in any::<String>(), key in "[<>&\"'\\]a-z\u{1}\n]{1,9}") {
            let doc = DocId::from_source("qgis", "1");
            let mut draft = Draft::new("preset", doc, 0);
            draft.set = json!({ "key": key, "name": { "es": format!("x{name}") }, "color": "#2f7d4f" }).as_object().cloned().unwrap();
            let preset = document::merge(doc, &[draft.sign(&DeviceKey::from_seed([1; 32])).unwrap()]).unwrap();
            let legend = Legend::of(&[preset]).whole();
            let Style { qml, sld } = Style::of(&legend);
            let project = project(&title, &legend, Some([-77.0, -7.0, -76.0, -6.0]));
            for text in [&project, &qml] {
                let read = read(text);
                let category = &read.iter().find(|(found, ..)| found == "category").unwrap().1;
                let said = |name: &str| category.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
                prop_assert_eq!((said("value"), said("label")), (holdable(&key), holdable(&format!("x{name}"))));
                prop_assert_eq!(read.iter().filter(|(found, ..)| found == "symbol").count(), 2);
            }
            let titled = read(&project).into_iter().find(|(found, ..)| found == "title").unwrap();
            prop_assert_eq!(titled.2, holdable(&title));
            let literal = read(&sld).into_iter().find(|(found, ..)| found == "ogc:Literal").unwrap();
            prop_assert_eq!(literal.2, holdable(&key));
        }
    }

    #[test]
    fn a_sign_takes_no_more_room_than_was_reckoned() {
        let size = |legend: &Legend| {
            let Style { qml, sld } = Style::of(legend);
            (qml.len() + sld.len() + project("", legend, None).len()) as u64
        };
        let doc = DocId::from_source("qgis", "1");
        let mut draft = Draft::new("preset", doc, 0);
        let longest = "&".repeat(255);
        draft.set = json!({ "key": longest, "name": { "es": longest }, "color": "#2f7d4f" }).as_object().cloned().unwrap();
        let preset = document::merge(doc, &[draft.sign(&DeviceKey::from_seed([1; 32])).unwrap()]).unwrap();
        let none = size(&Legend::default());
        assert!(size(&Legend::of(&[preset])) - none < SIGN_BYTES && none < 2 * SIGN_BYTES, "{none}");
    }

    #[test]
    fn what_is_shown_first_has_air_around_it() {
        assert_eq!(around(Some([-76.0, -6.0, -76.0, -6.0])), [-76.01, -6.01, -75.99, -5.99]);
        assert_eq!(around(None), [-180.0, -90.0, 180.0, 90.0]);
    }
}
