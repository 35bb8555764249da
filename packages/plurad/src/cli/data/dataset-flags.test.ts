import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { DatasetFolder } from '../../../test/dataset-folder.js'
import { UsageError } from '../../errors.js'
import { datasetOptions, openFromFlags, openOptionsOf, type DatasetFlags } from './dataset-flags.js'

const folder = new DatasetFolder()

/** The flags as commander gives them to a command. */
function parsed(...args: string[]): DatasetFlags {
  const command = datasetOptions(new Command('test').exitOverride())
  return command.parse(args, { from: 'user' }).opts<DatasetFlags>()
}

describe('the flags of data commands', () => {
  it('reads values as YAML, and takes the adapter and the images among them', async () => {
    await folder.put({
      'labels.tsv': 'scan\tEdema\tMass\nq\tyes\t1\nr\tno\t0\n',
      'x/q.png': '',
      'x/r.png': '',
    })
    const flags = parsed(
      '--set',
      'adapter=csv',
      '--set',
      'image_column=scan',
      '--set',
      'values={yes: 1, no: 0}',
      '--set',
      'data.set.label_columns=[Edema]',
      '--images',
      `${folder.path}/x`,
    )
    const dataset = await openFromFlags(folder.path, flags)
    expect(dataset.labels).toEqual(['Edema'])
    expect(dataset.samples.map(({ labels }) => labels)).toEqual([[1], [0]])
  })

  it("takes a recipe's data.set and data.labels, changed by --set", async () => {
    await folder.put({
      'my.yaml':
        'name: x\ndata:\n  labels: [Edema, Mass]\n  set: { adapter: chexpert, policy: u-ones, where: { AP/PA: PA } }\n',
    })
    expect(
      await openOptionsOf(parsed('--recipe', `${folder.path}/my.yaml`, '--set', 'policy=mixed')),
    ).toEqual({
      labels: ['Edema', 'Mass'],
      settings: { adapter: 'chexpert', policy: 'mixed', where: { 'AP/PA': 'PA' } },
    })
    expect(await openOptionsOf(parsed())).toEqual({ settings: {} })
  })

  it.each(['policy', '=u-ones'])('refuses --set %s', async (change) => {
    await expect(openOptionsOf(parsed('--set', change))).rejects.toThrow(UsageError)
    await expect(openOptionsOf(parsed('--set', change))).rejects.toThrow(
      /expected key=value, such as policy=u-ones/,
    )
  })
})
