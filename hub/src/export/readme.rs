//! `README.txt` and `README.html`: for whoever finds the drive, in four languages, in plain words.
//!
//! [`super::run`] writes them. They say what this is, how to open it, how to check it; the page is the text with links to the files.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Done;
use super::also::Also;
use super::columns::{FIXED, MORE, PROPERTIES};
use super::part::{ENGLISH, FRENCH, PORTUGUESE, SPANISH, Words};
use super::scope::Scope;
use maloca_protocol::time;

/// The text, with CRLF: the plainest editor of an office shows it.
#[must_use]
pub fn text(hub_name: &str, scope: &Scope, also: &BTreeSet<Also>, done: &Done) -> String {
    let day = time::format_millis(done.at);
    let day = &day[..16].replace('T', " ");
    let Done { observations: seen, media, missing, .. } = done;
    let hub: String = hub_name.chars().filter(|c| !c.is_control()).collect();
    let columns = FIXED.join(", ");
    let which = |all: &str, new: &str, some: &str, filter: &str, words: &Words| match scope {
        Scope::Everything => format!("{all} «{hub}»"),
        Scope::New(_) => format!("{new} «{hub}»"),
        Scope::Part(part) => format!("{some} «{hub}» ({filter}: {})", part.words(words)),
    };
    let es = which(
        "es una copia de todo lo que la laptop",
        "tiene lo que es nuevo desde las copias anteriores de este disco, NO todo lo que la laptop",
        "NO es una copia de todo, solo una parte de lo que la laptop",
        "filtro",
        &SPANISH,
    );
    let pt = which(
        "é uma cópia de tudo o que o laptop",
        "tem o que é novo desde as cópias anteriores deste disco, NÃO tudo o que o laptop",
        "NÃO é uma cópia de tudo, só uma parte do que o laptop",
        "filtro",
        &PORTUGUESE,
    );
    let en = which(
        "is a copy of everything that the laptop",
        "has what is new since the earlier copies on this drive, NOT everything that the laptop",
        "is NOT a copy of everything, but a part of what the laptop",
        "filter",
        &ENGLISH,
    );
    let fr = which(
        "est une copie de tout ce que l'ordinateur",
        "contient ce qui est nouveau depuis les copies précédentes de ce disque, PAS tout ce que l'ordinateur",
        "n'est PAS une copie de tout, seulement une partie de ce que l'ordinateur",
        "filtre",
        &FRENCH,
    );
    let besides = |begin: &str| match also.iter().map(|also| also.path()).collect::<Vec<_>>() {
        paths if paths.is_empty() => String::new(),
        paths => format!("\n{begin}: {}", paths.join("; ")),
    };
    let [also_es, also_pt, also_en, also_fr] = [
        "También para otros programas",
        "Também para outros programas",
        "Also for other programs",
        "Aussi pour d'autres programmes",
    ]
    .map(besides);
    let to_rebuild = match scope {
        Scope::Everything => "",
        Scope::New(_) => {
            "This is what was new for its drive (Maloca-Bundle in bag-info.txt). To rebuild a laptop, name any copy of the drive: \"maloca restore FOLDER\" takes in all that lie beside it.\n"
        }
        Scope::Part(_) => {
            "This is a part (Maloca-Bundle and Maloca-Filter in bag-info.txt): it has no keys of members, and no laptop can be rebuilt from it.\n"
        }
    };
    let further = if also.is_empty() {
        ""
    } else {
        "The .kmz and .gpx hold what has a place, without photos. In the Shapefile names have 10 characters and texts 254 bytes: data/shapefile/fields.csv says which is which, and how many were cut.\n"
    };
    let text = format!(
        "MALOCA - {hub} - {day} UTC

ESPAÑOL
Esta carpeta {es} había recibido: {seen} observaciones y {media} fotos, audios o videos.
{missing} archivos faltaban en la laptop o estaban dañados: están en la lista data/missing.csv con el motivo.
Para abrir: data/observations.xlsx con Excel o LibreOffice; data/open-in-QGIS.qgs con QGIS (u observations.gpkg, con cualquier programa de mapas); las fotos están en data/media.{also_es}
data/revisions.ndjson contiene cada cambio con la firma de quien lo hizo: es la prueba. No lo modifique.
Para comprobar que nada está dañado: «maloca verify CARPETA», o en Linux dentro de esta carpeta: sha256sum -c manifest-sha256.txt
No cambie nada aquí dentro; trabaje con una copia.

PORTUGUÊS
Esta pasta {pt} tinha recebido: {seen} observações e {media} fotos, áudios ou vídeos.
{missing} arquivos faltavam no laptop ou estavam danificados: estão na lista data/missing.csv com o motivo.
Para abrir: data/observations.xlsx com Excel ou LibreOffice; data/open-in-QGIS.qgs com QGIS (ou observations.gpkg, com qualquer programa de mapas); as fotos estão em data/media.{also_pt}
data/revisions.ndjson contém cada mudança com a assinatura de quem a fez: é a prova. Não o modifique.
Para conferir que nada está danificado: «maloca verify PASTA», ou no Linux dentro desta pasta: sha256sum -c manifest-sha256.txt
Não mude nada aqui dentro; trabalhe com uma cópia.

ENGLISH
This folder {en} had received: {seen} observations and {media} photos, sounds or videos.
{missing} files were missing on the laptop or damaged: data/missing.csv lists them with the reason.
To open it: data/observations.xlsx with Excel or LibreOffice; data/open-in-QGIS.qgs with QGIS (or observations.gpkg with any map program); the photos are in data/media.{also_en}
data/revisions.ndjson holds every change with the signature of who made it: it is the evidence. Do not change it.
To check that nothing is damaged: \"maloca verify FOLDER\", or on Linux inside this folder: sha256sum -c manifest-sha256.txt
Do not change anything in here; work with a copy.

FRANÇAIS
Ce dossier {fr} avait reçu : {seen} observations et {media} photos, sons ou vidéos.
{missing} fichiers manquaient sur l'ordinateur ou étaient abîmés : data/missing.csv en donne la liste et la raison.
Pour l'ouvrir : data/observations.xlsx avec Excel ou LibreOffice ; data/open-in-QGIS.qgs avec QGIS (ou observations.gpkg avec un autre programme de cartes) ; les photos sont dans data/media.{also_fr}
data/revisions.ndjson contient chaque changement avec la signature de son auteur : c'est la preuve. Ne le modifiez pas.
Pour vérifier que rien n'est abîmé : «maloca verify DOSSIER», ou sous Linux dans ce dossier : sha256sum -c manifest-sha256.txt
Ne changez rien ici ; travaillez sur une copie.

FOR PROGRAMS
A BagIt 1.0 bag (RFC 8493). Times are UTC; those that people's devices wrote are as their clocks had it (clock_offset_ms: device minus hub).
observations.json, .geojson, .csv, .xlsx and .gpkg have the same columns: {columns}; then every other property as set.<name>, objects flattened with dots
(a dot or backslash within a name after a backslash), arrays as JSON. At most {PROPERTIES} such columns; what is beyond stands as a JSON object in the
column \"{MORE}\". In observations.json, conflict_values has all values of a property that people disagree on. Deleted observations are in revisions.ndjson only.
The .gpkg has one more, photo: the first photo, relative to data/; and its style (layer_styles), which QGIS applies by itself.
In the .csv, a text that a spreadsheet would take for a formula has an apostrophe in front, and so has a text that begins with one: take one away.
revisions.ndjson: one signed revision a line (RFC 8785 JSON; id = BLAKE3 of rev), sorted by author, created_at, id. media.csv: the BLAKE3 hash of each file.
attachments.csv: which file belongs to which observation. datapackage.json: what the columns of the .csv files hold (Frictionless Data Package).
custody.ndjson: when each record and file came to this hub, and who carried it. signature/: the hub's, over tagmanifest-sha256.txt (Ed25519).
{further}{to_rebuild}"
    );
    text.replace('\n', "\r\n")
}

/// What stands in the bundle and is linked where the text names it.
const LINKS: &[&str] = &[
    "data/observations.xlsx",
    "data/open-in-QGIS.qgs",
    "data/observations.kmz",
    "data/observations.gpx",
    "data/shapefile/observations.shp",
    "data/shapefile/fields.csv",
    "data/missing.csv",
    "data/revisions.ndjson",
    "data/media",
    "manifest-sha256.txt",
    "bag-info.txt",
];

/// The same as a page: nothing in it is carried out, and it needs nothing from elsewhere.
#[must_use]
pub fn page(text: &str) -> String {
    let mut lines = text.lines();
    let title = escaped(lines.next().unwrap_or_default());
    let language = |heading: &str| match heading {
        "ESPAÑOL" => "es",
        "PORTUGUÊS" => "pt-BR",
        "FRANÇAIS" => "fr",
        _ => "en",
    };
    let mut body = String::new();
    let mut before = "";
    for line in lines {
        // A heading is what follows an empty line.
        if before.is_empty() && !line.is_empty() {
            let end = if body.is_empty() { "" } else { "</section>\n" };
            let _ = write!(body, "{end}<section lang=\"{}\">\n<h2>{}</h2>\n", language(line), escaped(line));
        } else if !line.is_empty() {
            let _ = writeln!(body, "<p>{}</p>", linked(&escaped(line)));
        }
        before = line;
    }
    format!(
        "<!doctype html>\n<html lang=\"mul\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{title}</title>\n\
         <style>body{{font:1rem/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}}\
         section{{border-top:1px solid #bbb}}</style>\n<h1>{title}</h1>\n{body}</section>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn linked(text: &str) -> String {
    let mut text = text.to_owned();
    for path in LINKS {
        // With the space before it, since the tag manifest's name ends like the manifest's.
        let plain = format!(" {path}");
        text = text.replace(&plain, &format!(" <a href=\"{path}\">{path}</a>"));
        if let Some(rest) = text.strip_prefix(path) {
            text = format!("<a href=\"{path}\">{path}</a>{rest}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_text_says_and_no_name_is_markup() {
        let text = "MALOCA - <script>alert(1)</script> & \"Co\" - 2026\r\n\r\nESPAÑOL\r\nPara abrir: data/observations.xlsx con Excel.\r\n\
                    data/revisions.ndjson es la prueba.\r\n\r\nENGLISH\r\nTo check: sha256sum -c manifest-sha256.txt\r\n";
        let page = page(text);
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Co&quot;") && !page.contains("<script"),
            "{page}"
        );
        assert!(page.contains("<section lang=\"es\">\n<h2>ESPAÑOL</h2>") && page.contains("<section lang=\"en\">"), "{page}");
        assert!(page.contains("abrir: <a href=\"data/observations.xlsx\">data/observations.xlsx</a> con"), "{page}");
        assert!(page.contains("<p><a href=\"data/revisions.ndjson\">data/revisions.ndjson</a> es"), "{page}");
        assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    }
}
