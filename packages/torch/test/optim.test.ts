import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  liveTensors,
  loadSafetensors,
  noGrad,
  ones,
  optim,
  Parameter,
  saveSafetensors,
  Scope,
  scope,
  SerializationError,
  setNumThreads,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js'
import { decode, expectClose, expectReference, readFixture, type Encoded } from './reference.js'

setNumThreads(1)

let surroundings: Scope
beforeEach(() => {
  surroundings = new Scope()
})
afterEach(() => surroundings[Symbol.dispose]())

interface Reference {
  start: Encoded[]
  gradients: (Encoded | null)[][]
  runs: Record<string, Encoded[][]>
  clipped: { limit: number; norm: number; gradients: Encoded[] }[]
  schedules: Record<string, number[]>
  plateaus: Record<string, { metrics: (number | string)[]; factors: number[] }>
}

const reference = readFixture('optim.json') as Reference

type AnyOptimizer = optim.SGD | optim.Adam | optim.AdamW

/** Two groups as in make_optim.py: the first parameter has a rate and a decay of its own. */
function groupsOf(parameters: readonly Parameter[]) {
  return [
    { parameters: parameters.slice(0, 1), lr: 0.05, weightDecay: 0.1 },
    { parameters: parameters.slice(1) },
  ]
}

const optimisers: Record<string, (parameters: readonly Parameter[]) => AnyOptimizer> = {
  SGD: (p) => new optim.SGD(groupsOf(p), { lr: 0.1 }),
  'SGD momentum': (p) => new optim.SGD(groupsOf(p), { lr: 0.1, momentum: 0.9 }),
  'SGD nesterov': (p) =>
    new optim.SGD(groupsOf(p), { lr: 0.1, momentum: 0.8, nesterov: true, weightDecay: 0.01 }),
  'SGD dampening': (p) =>
    new optim.SGD(groupsOf(p), { lr: 0.1, momentum: 0.9, dampening: 0.3, weightDecay: 0.05 }),
  Adam: (p) => new optim.Adam(groupsOf(p), { lr: 0.01 }),
  'Adam decay': (p) =>
    new optim.Adam(groupsOf(p), { lr: 0.02, betas: [0.8, 0.95], eps: 1e-3, weightDecay: 0.2 }),
  AdamW: (p) => new optim.AdamW(groupsOf(p), { lr: 0.01 }),
  'AdamW decay': (p) =>
    new optim.AdamW(groupsOf(p), { lr: 0.02, betas: [0.7, 0.9], eps: 1e-4, weightDecay: 0.3 }),
}

const parametersFrom = (start: readonly Encoded[]): Parameter[] =>
  start.map((one) => new Parameter(decode(one)))

function setGradients(parameters: readonly Parameter[], gradients: readonly (Encoded | null)[]): void {
  parameters.forEach((parameter, i) => {
    const gradient = gradients[i]
    parameter.grad = gradient === null ? null : decode(gradient)
  })
}

describe('optimisers move parameters as PyTorch does', () => {
  test('every run is in the fixture', () => {
    expect(Object.keys(optimisers)).toEqual(Object.keys(reference.runs))
  })

  test.each(Object.entries(reference.runs))('%s: ten steps', (name, history) => {
    const parameters = parametersFrom(reference.start)
    const optimiser = optimisers[name](parameters)
    history.forEach((expected, step) => {
      setGradients(parameters, reference.gradients[step])
      optimiser.step()
      expectReference(parameters, expected)
    })
    expect(parameters.every((parameter) => parameter.requiresGrad && parameter.isLeaf)).toBe(true)
  })

  test.each(Object.keys(reference.runs))('%s: stopped, stored and continued is the same', (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'plurad-optim-'))
    try {
      const first = parametersFrom(reference.start)
      const stopped = optimisers[name](first)
      for (let step = 0; step < 5; step++) {
        setGradients(first, reference.gradients[step])
        stopped.step()
      }
      stopped.setLearningRate(0.04)
      const { tensors, scalars } = stopped.stateDict()
      const file = join(folder, 'state.safetensors')
      saveSafetensors(file, tensors, { scalars: JSON.stringify(scalars) })

      const second = first.map((parameter) => new Parameter(parameter.clone()))
      const continued = optimisers[name](second)
      // A state of its own, which the stored one has to replace whole.
      setGradients(second, reference.gradients[9])
      continued.step()
      noGrad(() => second.forEach((parameter, i) => parameter.copy_(first[i])))
      const stored = loadSafetensors(file)
      continued.loadStateDict({
        tensors: stored.tensors,
        scalars: JSON.parse(stored.metadata['scalars']) as typeof scalars,
      })
      expect(continued.learningRate).toBe(0.04)
      for (let step = 5; step < 10; step++) {
        for (const [parameters, optimiser] of [
          [first, stopped],
          [second, continued],
        ] as const) {
          setGradients(parameters, reference.gradients[step])
          optimiser.step()
        }
        second.forEach((parameter, i) => expect(parameter.toFlatArray()).toEqual(first[i].toFlatArray()))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('an optimiser', () => {
  const one = (values = [1, 2]): Parameter => new Parameter(tensor(values, { dtype: 'float64' }))

  test('leaves parameters without a gradient alone, and holds no state for them', () => {
    const [moved, still] = [one(), one()]
    const optimiser = new optim.AdamW([moved, still], { weightDecay: 0.5 })
    moved.grad = ones([2], { dtype: 'float64' })
    optimiser.step()
    expect(still.toFlatArray()).toEqual([1, 2])
    expect([...optimiser.stateDict().tensors.keys()]).toEqual(['0.exp_avg', '0.exp_avg_sq'])
    expect(optimiser.stateDict().scalars.steps).toEqual([1, 0])
  })

  test('drops gradients, and does not mind that there are none', () => {
    const parameter = one()
    const optimiser = new optim.SGD([parameter], { lr: 1 })
    scope(() => parameter.mul(3).sum()).backward()
    expect(parameter.grad?.toFlatArray()).toEqual([3, 3])
    optimiser.zeroGrad()
    optimiser.zeroGrad()
    expect(parameter.grad).toBeNull()
    optimiser.step()
    expect(parameter.toFlatArray()).toEqual([1, 2])
  })

  test('keeps its state outside of scopes and holds a fixed number of tensors', () => {
    const parameter = one()
    const optimiser = new optim.Adam([parameter])
    const step = (): void => {
      scope(() => {
        parameter.grad = ones([2], { dtype: 'float64' })
        optimiser.step()
      })
    }
    step()
    const live = liveTensors()
    for (let i = 0; i < 20; i++) step()
    expect(liveTensors()).toBe(live)
    optimiser.stateDict().tensors.forEach((state) => state.dispose())
    parameter.dispose()
  })

  test('loads a state without state: what it had is gone', () => {
    const parameter = one()
    const make = (): optim.SGD => new optim.SGD([parameter], { lr: 1, momentum: 0.9 })
    const optimiser = make()
    parameter.grad = ones([2], { dtype: 'float64' })
    optimiser.step()
    optimiser.loadStateDict(make().stateDict())
    noGrad(() => parameter.zero_())
    optimiser.step()
    expect(parameter.toFlatArray()).toEqual([-1, -1])
  })

  test('takes its own state back', () => {
    const parameter = one()
    const optimiser = new optim.Adam([parameter])
    parameter.grad = ones([2], { dtype: 'float64' })
    optimiser.step()
    const values = optimiser.stateDict().tensors.get('0.exp_avg')?.toFlatArray()
    optimiser.loadStateDict(optimiser.stateDict())
    expect(optimiser.stateDict().tensors.get('0.exp_avg')?.toFlatArray()).toEqual(values)
  })

  test('refuses a state that does not fit, and stays as it was', () => {
    const optimiser = new optim.Adam([one()], { lr: 0.5 })
    const settings = [{ lr: 0.1 }]
    const load =
      (tensors: [string, Tensor][], steps = [3]) =>
      () => {
        optimiser.loadStateDict({ tensors: new Map(tensors), scalars: { steps, settings } })
      }
    expect(load([], [1, 2])).toThrow(SerializationError)
    expect(load([], [1, 2])).toThrow('of 2 parameters in 1 groups, this optimiser has 1 in 1')
    expect(load([['7.exp_avg', zeros([2])]])).toThrow("'7.exp_avg', which is no parameter of it")
    expect(load([['0.exp_avg', zeros([3])]])).toThrow("'0.exp_avg' has shape [3], the parameter [2]")
    expect(optimiser.learningRate).toBe(0.5)
    expect(optimiser.stateDict().scalars.steps).toEqual([0])
  })

  test('refuses nothing to do, a parameter twice, and settings that contradict', () => {
    const parameter = one()
    expect(() => new optim.SGD([])).toThrow('SGD: there are no parameters to optimise')
    expect(() => new optim.Adam([parameter, parameter])).toThrow('Adam: a parameter is listed twice')
    expect(() => new optim.SGD([parameter], { nesterov: true })).toThrow('Nesterov momentum needs')
    expect(
      () => new optim.SGD([{ parameters: [parameter], dampening: 0.1 }], { nesterov: true, momentum: 0.9 }),
    ).toThrow('Nesterov momentum needs')
  })

  test('sets the rate of every group', () => {
    const optimiser = new optim.SGD(groupsOf([one(), one()]), { lr: 0.1 })
    expect(optimiser.groups.map((group) => group.settings.lr)).toEqual([0.05, 0.1])
    optimiser.setLearningRate(0.3)
    expect(optimiser.groups.map((group) => group.settings.lr)).toEqual([0.3, 0.3])
  })
})

describe('clipGradNorm_', () => {
  test.each(reference.clipped)('to $limit as PyTorch', ({ limit, norm, gradients }) => {
    const parameters = parametersFrom(reference.start)
    setGradients(parameters, reference.gradients[3])
    const live = liveTensors()
    expectClose([optim.clipGradNorm_(parameters, limit)], [norm], 1e-12)
    expect(liveTensors()).toBe(live)
    expectReference(
      parameters.map((parameter) => parameter.grad),
      gradients,
    )
  })

  test('of nothing is nothing', () => {
    expect(optim.clipGradNorm_([new Parameter(ones([2]))], 1)).toBe(0)
  })
})

describe('GradScaler', () => {
  const make = (values: number[]) => {
    const parameter = new Parameter(tensor(values))
    return { parameter, optimiser: new optim.SGD([parameter], { lr: 1 }) }
  }

  test('gives the gradients of the loss itself, and the same step', () => {
    const [plain, scaled] = [make([1, -2]), make([1, -2])]
    const lossOf = (parameter: Parameter): Tensor => scope(() => parameter.pow(2).mul(1e-3).sum())
    lossOf(plain.parameter).backward()
    plain.optimiser.step()

    const scaler = new optim.GradScaler(2 ** 12)
    scope(() => scaler.scale(lossOf(scaled.parameter))).backward()
    expectClose(scaled.parameter.grad?.toFlatArray() ?? [], [8.192, -16.384], 1e-6)
    const live = liveTensors()
    expect(scaler.unscale(scaled.optimiser)).toBe(true)
    expect(liveTensors()).toBe(live)
    scaler.step(scaled.optimiser, true)
    expect(scaled.parameter.toFlatArray()).toEqual(plain.parameter.toFlatArray())
    expect(scaler.state).toEqual({ scale: 2 ** 12, steady: 1 })
  })

  test.each([Infinity, -Infinity, NaN])('leaves out the step of a gradient of %s, and halves', (value) => {
    const { parameter, optimiser } = make([1, 2])
    const scaler = new optim.GradScaler(8)
    scaler.state.steady = 5
    parameter.grad = tensor([1, value])
    const finite = scaler.unscale(optimiser)
    expect(finite).toBe(false)
    scaler.step(optimiser, finite)
    expect(parameter.toFlatArray()).toEqual([1, 2])
    expect(scaler.state).toEqual({ scale: 4, steady: 0 })
  })

  test('doubles after so many good steps in a row, and never falls below one', () => {
    const { optimiser } = make([1])
    const scaler = new optim.GradScaler(2, 3)
    // The updates that torch.cuda.amp.GradScaler(init_scale=2, growth_interval=3) makes, but for its floor.
    const outcomes = [true, true, false, true, true, true, true, false, false, false, true, true, true]
    const scales = outcomes.map((finite) => {
      scaler.step(optimiser, finite)
      return scaler.state.scale
    })
    expect(scales).toEqual([2, 2, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 2])
    expect(scaler.unscale(optimiser)).toBe(true)
  })
})

describe('schedules', () => {
  const factors: Record<string, optim.Schedule> = {
    step: optim.stepDecay(4, 0.3),
    cosine: optim.cosine(20, 0.05),
    warmup: optim.warmup(6),
  }

  test.each(Object.entries(reference.schedules))('%s as in PyTorch', (name, expected) => {
    expectClose(
      expected.map((_, step) => factors[name](step)),
      expected,
      1e-12,
    )
  })

  test('hold their last value, and follow each other', () => {
    expect(optim.cosine(10, 0.2)(50)).toBeCloseTo(0.2, 12)
    expect(optim.constant(7)).toBe(1)
    const both = optim.warmup(4, optim.cosine(6))
    expect([0, 3, 4, 7, 10].map(both)).toEqual([0.25, 1, 1, expect.closeTo(0.5, 12), expect.closeTo(0, 12)])
    expect(optim.warmup(0, optim.stepDecay(2))(0)).toBe(1)
  })

  const plateaus: Record<string, Partial<optim.PlateauSettings>> = {
    default: {},
    max: { mode: 'max', factor: 0.5, patience: 2, threshold: 0.05 },
    floor: { factor: 0.3, patience: 1, minFactor: 0.02 },
    tie: { patience: 0, threshold: 1e-4 },
    'not a number first': { patience: 1, factor: 0.5 },
    'infinite first': { patience: 1, factor: 0.5 },
  }

  test.each(Object.entries(reference.plateaus))(
    'ReduceOnPlateau, %s',
    (name, { metrics, factors: expected }) => {
      const plateau = new optim.ReduceOnPlateau(plateaus[name])
      const values = metrics.map((metric) =>
        metric === 'nan' ? NaN : Number(metric === 'inf' ? Infinity : metric),
      )
      expectClose(
        values.map((value) => plateau.step(value)),
        expected,
        1e-12,
      )
      // Its state is plain data: stored in the middle and taken up again, it goes on alike.
      const first = new optim.ReduceOnPlateau(plateaus[name])
      const half = Math.floor(values.length / 2)
      values.slice(0, half).forEach((value) => first.step(value))
      const second = new optim.ReduceOnPlateau(plateaus[name])
      second.state = JSON.parse(JSON.stringify(first.state)) as optim.PlateauState
      expectClose(
        values.slice(half).map((value) => second.step(value)),
        expected.slice(half),
        1e-12,
      )
    },
  )

  test('ReduceOnPlateau takes null for no progress', () => {
    const plateau = new optim.ReduceOnPlateau({ patience: 1, factor: 0.5 })
    expect([1, null, null, 0.5].map((value) => plateau.step(value))).toEqual([1, 1, 0.5, 0.5])
  })
})
