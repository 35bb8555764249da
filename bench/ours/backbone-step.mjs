import { autocast, optim, rand, randn, scope } from '@plurad/torch'
import { args, loss, median, model, print } from './common.mjs'

const { architecture, batch, size, steps, warmup, precision, channelsLast } = args
const bce = await loss()
const network = (await model(architecture, { inChannels: 3, size, head: 'published' })).train()
if (channelsLast) network.to({ memoryFormat: 'channels_last' })
const optimizer = new optim.Adam(network.parameters(), { lr: 1e-4 })
const contiguous = randn([batch, 3, size, size])
const x = channelsLast ? contiguous.contiguous('channels_last') : contiguous
const y = rand([batch, 14])
const seconds = []
for (let i = 0; i < steps + warmup; i++) {
  const start = performance.now()
  optimizer.zeroGrad()
  const value = scope(() => {
    const forward = () => network.outputs(x)
    const { logits, branches = [] } =
      precision === 'float32' ? forward() : autocast({ dtype: precision }, forward)
    return branches.reduce((sum, branch) => sum.add(bce(branch.logits.float(), y)), bce(logits.float(), y))
  })
  value.backward()
  optimizer.step()
  value.item()
  value.dispose()
  if (i >= warmup) seconds.push((performance.now() - start) / 1000)
}
print(median(seconds))
