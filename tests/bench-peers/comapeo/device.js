// A device of CoMapeo core: the hub (which makes the project and invites) or a phone. Devices are told each other's
// address; nothing is announced or looked for, and nothing but the loopback is listened on.
import { createRequire } from 'node:module'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { MapeoManager } from '@comapeo/core'
import Fastify from 'fastify'
import { records, serve } from '../lines.js'

// CoMapeo core listens on every address of the machine; here it shall not.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, host, ...more) {
  return listen.call(this, port, host === '0.0.0.0' ? '127.0.0.1' : host, ...more)
}

const core = dirname(dirname(createRequire(import.meta.url).resolve('@comapeo/core')))
const { kSyncState } = await import(join(core, 'src/sync/sync-api.js'))
let manager, project, projectId, before
const invites = []

await serve({
  async open({ folder, name, type }) {
    for (const part of ['db', 'cores']) mkdirSync(join(folder, part), { recursive: true })
    const fastify = Fastify()
    manager = new MapeoManager({
      rootKey: randomBytes(16),
      dbFolder: join(folder, 'db'),
      coreStorage: join(folder, 'cores'),
      projectMigrationsFolder: join(core, 'drizzle/project'),
      clientMigrationsFolder: join(core, 'drizzle/client'),
      fastify,
    })
    await fastify.listen({ port: 0, host: '127.0.0.1' })
    await manager.setDeviceInfo({ name, deviceType: type })
    manager.invite.on('invite-received', (invite) => invites.push(invite))
    const { version } = JSON.parse(readFileSync(join(core, 'package.json'), 'utf8'))
    return { version, device: manager.deviceId, ...(await manager.startLocalPeerDiscoveryServer()) }
  },
  async found() {
    projectId = await manager.createProject({ name: 'Bench' })
    project = await manager.getProject(projectId)
  },
  async connect({ port, name }) {
    manager.connectLocalPeer({ address: '127.0.0.1', port, name })
    await until(async () => (await manager.listLocalPeers()).some((peer) => peer.status === 'connected'))
  },
  async invite({ device }) {
    await until(async () =>
      (await manager.listLocalPeers()).some((peer) => peer.deviceId === device && peer.status === 'connected'),
    )
    // The role of a member who may read and write.
    const answer = await project.$member.invite(device, { roleId: '012fd2d431c0bf60' })
    if (answer !== 'ACCEPT') throw new Error(`the invitation was answered ${answer}`)
  },
  async accept() {
    await until(() => invites.length > 0)
    projectId = await manager.invite.accept(invites[0])
    project = await manager.getProject(projectId)
  },
  async settle() {
    await project.$sync.waitForSync('initial')
    before = held()
  },
  async give({ records: file, photos }) {
    const made = records(file).map(({ properties: { location, ...tags } }) => observation(tags, location))
    for (let at = 0; at < made.length; at += 200) {
      await Promise.all(made.slice(at, at + 200).map((one) => project.observation.create(one)))
    }
    for (const path of photos) {
      const blob = await project.$blobs.create({ original: path }, { mimeType: 'image/jpeg' })
      const { driveId: driveDiscoveryId, name, type, hash } = blob
      await project.observation.create({ ...observation({}), attachments: [{ driveDiscoveryId, name, type, hash, external: false }] })
    }
  },
  start() {
    project.$sync.start()
  },
  stop() {
    project.$sync.stop()
  },
  // A phone leaves; what it has is kept.
  async leave() {
    project.$sync.stop()
    await manager.stopLocalPeerDiscoveryServer({ force: true })
    const { port, name } = await manager.startLocalPeerDiscoveryServer()
    return { port, name }
  },
  // Until so many phones are here, and so many records more than at the beginning, and nothing is wanted any more. Whether
  // the records can be shown is not waited for; that is looked at in the end, where it is not measured.
  async received({ observations, blocks, phones }) {
    for (;;) {
      const peers = Object.values(project.$sync.getState().remoteDeviceSyncState)
      const complete = peers.every((peer) => peer.initial.wanted === 0 && peer.data.isSyncEnabled)
      const now = held()
      const all = now.data - before.data >= observations && now.blob - before.blob >= blocks
      if (peers.length >= phones && complete && all) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await project.$sync.waitForSync('full')
  },
  // Not measured: how many observations can be shown, and how many photos can really be read.
  async count() {
    const all = await project.observation.getMany()
    let photos = 0
    for (const { attachments } of all) {
      for (const { driveDiscoveryId: driveId, name, type } of attachments) {
        const url = await project.$blobs.getUrl({ driveId, name, type, variant: 'original' })
        const answer = await fetch(url)
        if (!answer.ok) throw new Error(`a photo is missing: ${answer.status}`)
        await answer.arrayBuffer()
        photos += 1
      }
    }
    return { observations: all.length, photos }
  },
})

// Blocks that this device has: an observation is one of data, a photo one of blob for each 64 KiB. The public state tells only
// what is wanted, which is nothing as long as nobody has told of it.
function held() {
  const { data, blob } = project.$sync[kSyncState].getState()
  return { data: data.localState.have, blob: blob.localState.have }
}

function observation(tags, location) {
  const place = location ? { lat: location.lat, lon: location.lon } : {}
  return { schemaName: 'observation', ...place, attachments: [], tags, metadata: {} }
}

async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}
