import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileServer, serve } from '../../../test/file-server.js'
import { impliedNormalisation } from '../../recipe/normalisation.js'
import { backbones } from '../registry.js'
import { locateWeights, weightsCache, type LocateOptions } from './locate.js'
import { knownCheckpoint, knownCheckpoints, normalisationOf } from './sources.js'

let folder: string
let server: FileServer
let options: LocateOptions & { env: NodeJS.ProcessEnv }
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-locate-'))
  server = await FileServer.start()
  options = {
    env: {
      XDG_CACHE_HOME: folder,
      PLURAD_WEIGHTS_MIRROR: `${server.base}/mirror/`,
      HF_ENDPOINT: server.base,
    },
    retries: 0,
  }
})
afterEach(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

const data = Buffer.from('weights')
const sha256 = createHash('sha256').update(data).digest('hex')
const asked = (): string[] => server.requests.map(({ url }) => url)
/** Serves some paths and has nothing else. */
function offer(...paths: string[]): void {
  server.answer = (request, response) =>
    paths.includes(request.url ?? '') ? serve(data)(request, response) : response.writeHead(404).end()
}

describe('weights are found', () => {
  test('as a file', async () => {
    const file = join(folder, 'own.pt')
    writeFileSync(file, data)
    expect(await locateWeights(file, options)).toEqual({ file, known: null })
    await expect(locateWeights(folder, options)).rejects.toThrow(/are a folder/)
    expect(asked()).toEqual([])
  })

  test('at an address, once', async () => {
    offer('/a/model.pt')
    delete options.env['PLURAD_WEIGHTS_MIRROR']
    const url = `${server.base}/a/model.pt?download=true`
    server.answer = serve(data)
    const { file } = await locateWeights(url, options)
    expect(readFileSync(file)).toEqual(data)
    expect(file).toMatch(/plurad\/weights\/[0-9a-f]{12}-model\.pt$/)
    expect(await locateWeights(url, options)).toEqual({ file, known: null })
    expect(asked()).toEqual(['/a/model.pt?download=true'])
  })

  test('on a hub: safetensors first, another file or revision where it is named', async () => {
    offer('/owner/name/resolve/main/pytorch_model.bin')
    const { file } = await locateWeights('hf:owner/name', options)
    expect(readFileSync(file)).toEqual(data)
    expect(asked()).toEqual([
      '/owner/name/resolve/main/model.safetensors',
      '/owner/name/resolve/main/pytorch_model.bin',
    ])
    expect((await locateWeights('hf:owner/name', options)).file).toBe(file)
    expect(asked()).toHaveLength(2)
    offer('/owner/name/resolve/v1/sub/x.pth')
    expect((await locateWeights('hf:owner/name/sub/x.pth@v1', options)).file).toMatch(
      /owner\/name\/v1\/sub\/x\.pth$/,
    )
    await expect(locateWeights('hf:owner/other', options)).rejects.toThrow(
      /owner\/other has no model\.safetensors and no pytorch_model\.bin.*hf:owner\/other\/<file>/,
    )
    await expect(locateWeights('hf:owner', options)).rejects.toThrow(/expected hf:owner\/name/)
    await expect(locateWeights('hf:owner/name/../../x', options)).rejects.toThrow(/expected hf:owner\/name/)
  })

  test('by the name of a known checkpoint, from a mirror', async () => {
    const entry = knownCheckpoint('torchxrayvision/densenet121-res224-nih')
    const name = entry?.url.split('/').at(-1) ?? ''
    offer(`/mirror/${name}`)
    expect(await locateWeights(entry?.id ?? '', options)).toEqual({
      file: join(weightsCache(options.env), name),
      known: entry,
    })
  })
})

describe('a known checkpoint is recognised', () => {
  const entry = knownCheckpoint('torchxrayvision/densenet121-res224-nih')
  const name = entry?.url.split('/').at(-1) ?? ''

  test.each(['', '?download=1', `#sha256=${sha256}`])('by its address, %s at its end', async (end) => {
    offer(`/mirror/${name}`)
    const reference = `${entry?.url}${end}`
    const file = join(weightsCache(options.env), name)
    expect(await locateWeights(reference, options)).toEqual({ file, known: entry })
    expect(impliedNormalisation(reference, 1)).toEqual({ mean: [0.5], std: [1 / 2048] })
  })

  test('on a hub, however much of its address is left out', async () => {
    const vit = knownCheckpoint('timm/vit_s_16')
    const place = '/timm/vit_small_patch16_224.augreg_in21k_ft_in1k/resolve/main/model.safetensors'
    offer(place)
    const written = vit?.url.replace('/model.safetensors', '') ?? ''
    for (const reference of [written, `${written}@main`, `${written}/model.safetensors`])
      expect((await locateWeights(reference, options)).known).toBe(vit)
    expect(asked()).toEqual([place])
    expect(knownCheckpoint(`${written}@other`)).toBeNull()
    expect(knownCheckpoint(`${written}/pytorch_model.bin`)).toBeNull()
  })

  test("by the old address of torchvision's EfficientNets, whose names had wrong checksums", () => {
    const models = 'https://download.pytorch.org/models'
    expect(knownCheckpoint(`${models}/efficientnet_b0_rwightman-3dd342df.pth`)).toMatchObject({
      id: 'torchvision/efficientnet_b0',
      // https://github.com/pytorch/vision/issues/7744: what the file's checksum is.
      sha256: '7f5810bc96def8f7552d5b7e68d53c4786f81167d28291b21c0d90e1fca14934'.slice(0, 8),
    })
  })
})

describe('weights with a checksum of their own', () => {
  beforeEach(() => delete options.env['PLURAD_WEIGHTS_MIRROR'])

  test.each([sha256, sha256.slice(0, 8), sha256.toUpperCase()])('%s, are taken', async (checksum) => {
    offer('/a/model.pt', '/owner/name/resolve/v1/x.pth')
    const url = `${server.base}/a/model.pt`
    const { file } = await locateWeights(`${url}#sha256=${checksum}`, options)
    expect(readFileSync(file)).toEqual(data)
    // The checksum is no part of the address.
    expect((await locateWeights(url, options)).file).toBe(file)
    expect(asked()).toEqual(['/a/model.pt'])
    const hub = await locateWeights(`hf:owner/name/x.pth@v1#sha256=${checksum}`, options)
    expect(hub.file).toMatch(/owner\/name\/v1\/x\.pth$/)
  })

  test('are refused where they are others, fetched just now or long ago', async () => {
    offer('/a/model.pt', '/owner/name/resolve/main/model.safetensors')
    for (const address of [`${server.base}/a/model.pt`, 'hf:owner/name']) {
      const { file } = await locateWeights(address, options)
      const reference = `${address}#sha256=${'0'.repeat(64)}`
      const message =
        `has the SHA-256 ${sha256}, expected was one that begins with ${'0'.repeat(64)}: it is not the file that is meant or ` +
        'is damaged, and has been removed. Run the same command again to fetch it anew, or correct what follows #.'
      await expect(locateWeights(reference, options)).rejects.toThrow(`${file} ${message}`)
      expect(existsSync(file)).toBe(false)
      await expect(locateWeights(reference, options)).rejects.toThrow(message)
      expect(existsSync(file)).toBe(false)
    }
    expect(asked()).toHaveLength(4)
  })

  test('are refused before anything is fetched where it is written otherwise', async () => {
    for (const end of [
      'md5=0123456789abcdef',
      'sha256=0123',
      'sha256=xyz',
      `sha256=${sha256}0`,
      'main',
      '',
    ]) {
      const located = locateWeights(`${server.base}/a/model.pt#${end}`, options)
      await expect(located).rejects.toThrow(`'${end}' after # is no checksum. Expected is #sha256=`)
    }
    await expect(locateWeights('torchvision/densenet121#x', options)).rejects.toThrow(/is no checksum/)
    expect(asked()).toEqual([])
  })

  test('on a path: # is a part of its name', async () => {
    const file = join(folder, 'run#sha256=3.pt')
    writeFileSync(file, data)
    expect(await locateWeights(file, options)).toEqual({ file, known: null })
  })
})

describe("PyTorch's own files have it in their names", () => {
  test('as torch.hub.load_state_dict_from_url checks it', async () => {
    const name = `/other-net-${sha256.slice(0, 8)}.pth`
    offer(`/mirror${name}`, '/mirror/other-01234567.pth', '/mirror/plain.pth')
    const url = (path: string): string => `https://download.pytorch.org/models${path}`
    expect((await locateWeights(url(name), options)).known).toBeNull()
    await locateWeights(url('/plain.pth'), options)
    const wrong = locateWeights(url('/other-01234567.pth'), options)
    await expect(wrong).rejects.toThrow(
      `expected was one that begins with 01234567: it is not the file that its name says or is damaged, and has been removed. ` +
        `Run the same command again to fetch it anew, or state its checksum where the name is wrong: ` +
        `${url('/other-01234567.pth')}#sha256=…`,
    )
    await locateWeights(`${url('/other-01234567.pth')}#sha256=${sha256}`, options)
  })
})

describe('weights are refused', () => {
  test('that are not the published ones, given by their address', async () => {
    const place = join(weightsCache(options.env), 'resnet18-f37072fd.pth')
    mkdirSync(weightsCache(options.env), { recursive: true })
    writeFileSync(place, data)
    await expect(
      locateWeights('https://download.pytorch.org/models/resnet18-f37072fd.pth', options),
    ).rejects.toThrow(
      `${place} has the SHA-256 ${sha256}, expected was one that begins with f37072fd: it is not torchvision/resnet18`,
    )
    expect(existsSync(place)).toBe(false)
  })

  test('that are not the published ones', async () => {
    offer('/mirror/densenet121-a639ec97.pth')
    await expect(locateWeights('torchvision/densenet121', options)).rejects.toThrow(
      `has the SHA-256 ${sha256}, expected was one that begins with a639ec97`,
    )
    const place = join(weightsCache(options.env), 'densenet121-a639ec97.pth')
    expect(existsSync(place)).toBe(false)
    // Also where somebody put a wrong file there by hand.
    mkdirSync(weightsCache(options.env), { recursive: true })
    writeFileSync(place, data)
    await expect(locateWeights('torchvision/densenet121', options)).rejects.toThrow(/has been removed/)
  })

  test('that cannot be reached: the address and the place to put them are named', async () => {
    await server.stop()
    const place = join(weightsCache(options.env), 'densenet121-a639ec97.pth')
    const reached = locateWeights('torchvision/densenet121', options)
    await expect(reached).rejects.toThrow(`put it at ${place}`)
    await expect(reached).rejects.toThrow(/mirror\/densenet121-a639ec97\.pth/)
    server = await FileServer.start()
  })

  test.each(['torchvision/densenet122', '/some/folder/with/a/long/path/torchvision/densenet122'])(
    'that are nothing, %s: what they may be is listed',
    async (reference) => {
      await expect(locateWeights(reference, options)).rejects.toThrow(
        /no known checkpoint of that name\. Did you mean "torchvision\/densenet121"/,
      )
    },
  )
})

describe('the known checkpoints', () => {
  test('are of backbones that there are, under names of their own', () => {
    for (const { backbone } of knownCheckpoints) expect(Object.keys(backbones)).toContain(backbone)
    const ids = knownCheckpoints.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { url, sha256 } of knownCheckpoints) if (sha256 !== null) expect(url).toContain(`-${sha256}.`)
  })

  test("torchxrayvision's pixels are those of [-1024, 1024]", () => {
    const entry = knownCheckpoint('torchxrayvision/densenet121-res224-all')
    expect(entry).not.toBeNull()
    if (entry === null) return
    const { mean, std } = normalisationOf(entry, 1)
    for (const x of [0, 0.25, 1]) expect((x - mean[0]) / std[0]).toBe(x * 2048 - 1024)
    expect(normalisationOf(entry, 3)).toEqual({ mean: [0.5, 0.5, 0.5], std: Array(3).fill(1 / 2048) })
  })

  test("ImageNet's colours on one channel are their average", () => {
    const entry = knownCheckpoint('torchvision/densenet121')
    expect(entry && normalisationOf(entry, 1)).toEqual({ mean: [0.449], std: [0.226] })
    expect(entry && normalisationOf(entry, 3)).toEqual({
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    })
  })
})
