// A device that holds its records in PouchDB (LevelDB) and replicates them to a pouchdb-server by CouchDB's protocol.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import PouchDB from 'pouchdb'
import { records, serve } from '../lines.js'

let local, url

await serve({
  async open(order) {
    local = new PouchDB(order.folder)
    url = order.url
    await local.info()
    await new PouchDB(url).info()
    return { version: PouchDB.version }
  },
  async give({ records: file, photos }) {
    const docs = records(file).map(({ id, properties }) => ({ _id: id, ...properties }))
    for (let at = 0; at < docs.length; at += 1000) sound(await local.bulkDocs(docs.slice(at, at + 1000)))
    for (const path of photos) {
      const photo = { content_type: 'image/jpeg', data: await readFile(path) }
      await local.put({ _id: basename(path), _attachments: { 'photo.jpg': photo } })
    }
  },
  // Ten times the usual batch: fewer round trips, which is to PouchDB's advantage. Photos go in the usual one, for memory's sake.
  async sync({ photos }) {
    const done = await local.replicate.to(url, { batch_size: photos ? 10 : 1000 })
    if (!done.ok || done.doc_write_failures > 0) throw new Error(JSON.stringify(done))
    return { written: done.docs_written }
  },
  async count() {
    return (await new PouchDB(url).info()).doc_count
  },
})

function sound(results) {
  const bad = results.find((result) => result.error)
  if (bad) throw new Error(JSON.stringify(bad))
}
