// Arrows point down only:
//   cli -> report, training, run -> models, losses, metrics, data, predict, explain, export -> @plurad/torch
// Reading data, predicting, scoring and reporting work without libtorch.
const inPlurad = (...names) => `^packages/plurad/src/(${names.join('|')})(/|\\.ts$)`

/** What explains exported models and shows explanations; the methods themselves need gradients. */
const EXPLAIN = '^packages/plurad/src/explain/(exported|render|localisation)/'

const UPPER = ['report', 'training', 'run']
const LOWER = ['models', 'losses', 'metrics', 'data', 'dicom', 'predict', 'explain', 'export']
const TORCH = '^(packages/torch|node_modules/@plurad/torch)/'
const TEST = '\\.test\\.ts$|^packages/[^/]+/test/'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A module that needs itself through others cannot be understood or tested alone.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'torch-stands-alone',
      comment: '@plurad/torch is useful without the toolkit.',
      severity: 'error',
      from: { path: '^packages/torch/' },
      to: { path: '^(packages|node_modules)/plurad/' },
    },
    {
      name: 'no-libtorch-below',
      comment: 'Data, metrics, prediction and reports run where no libtorch is installed.',
      severity: 'error',
      from: {
        path: `${inPlurad('predict', 'metrics', 'report', 'data', 'dicom')}|${EXPLAIN}`,
        pathNot: TEST,
      },
      to: { path: TORCH },
    },
    {
      name: 'no-libtorch-in-reach',
      comment: 'The same, through other modules.',
      severity: 'error',
      from: {
        path: `${inPlurad('predict', 'metrics', 'report', 'data', 'dicom')}|${EXPLAIN}`,
        pathNot: TEST,
      },
      to: { path: TORCH, reachable: true },
    },
    {
      name: 'prediction-runs-in-browsers',
      comment: 'All that predicts but its door to Node and the threads behind it works in a browser too.',
      severity: 'error',
      from: {
        path: '^packages/plurad/src/predict/',
        pathNot: `/(node|index)\\.ts$|/predict/threads/|${TEST}`,
      },
      to: {
        path: '^(node:)?(fs|os|path|crypto|zlib|module|worker_threads|child_process)(/promises)?$',
        reachable: true,
      },
    },
    {
      name: 'cli-on-top',
      comment: 'Nothing but the command line and the tests imports the command line.',
      severity: 'error',
      from: { path: '^packages/', pathNot: `${inPlurad('cli')}|${TEST}` },
      to: { path: inPlurad('cli') },
    },
    {
      name: 'arrows-point-down',
      comment: 'Models, losses, metrics and data know nothing of runs, training and reports.',
      severity: 'error',
      from: { path: inPlurad(...LOWER), pathNot: TEST },
      to: { path: inPlurad(...UPPER) },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^packages/[^/]+/(src|native)/', pathNot: TEST },
      to: { path: TEST },
    },
    {
      name: 'declared-dependencies',
      comment: 'What the product imports stands in its own package.json.',
      severity: 'error',
      from: { path: '^packages/[^/]+/(src|native)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { pathNot: TEST },
      to: { couldNotResolve: true, pathNot: '^@plurad/torch' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: '/(dist|build|fixtures)/.*(?<!\\.d\\.ts)$' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.mts', '.d.ts', '.d.mts', '.js', '.mjs', '.json'],
    },
  },
}
