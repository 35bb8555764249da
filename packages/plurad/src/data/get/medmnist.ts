/**
 * MedMNIST+ at 28, 64, 128 and 224 pixels: addresses, MD5 sums and licences as medmnist 3.0.2 lists them, of the
 * record https://doi.org/10.5281/zenodo.10519652.
 */
import type { Licence, Source } from './sources.js'

const RECORD = 'https://zenodo.org/records/10519652'

const CC_BY: Licence = {
  name: 'CC BY 4.0',
  terms:
    'Free to use, share and change, also commercially, with credit to the authors of MedMNIST and of the source data.',
  url: 'https://creativecommons.org/licenses/by/4.0/',
}

const CC_BY_NC: Licence = {
  name: 'CC BY-NC 4.0',
  terms:
    'Free to use, share and change, not commercially, with credit to the authors of MedMNIST and of the source data.',
  url: 'https://creativecommons.org/licenses/by-nc/4.0/',
}

const CITATIONS = [
  'Yang et al., MedMNIST v2: A large-scale lightweight benchmark for 2D and 3D biomedical image classification, ' +
    'Scientific Data, 2023, https://doi.org/10.1038/s41597-022-01721-8',
  'Yang et al., MedMNIST Classification Decathlon, IEEE ISBI, 2021',
]

const SIZES = [28, 64, 128, 224] as const

interface Set {
  title: string
  description: string
  images: number
  labels: number
  channels: 1 | 3
  licence?: Licence
  /** What it was made from. */
  from: string
  /** At 28, 64, 128 and 224 pixels. */
  md5: readonly [string, string, string, string]
}

const SETS: Record<string, Set> = {
  chestmnist: {
    title: 'ChestMNIST',
    description: 'frontal chest radiographs of NIH ChestX-ray14 with 14 findings (multi-label)',
    images: 112_120,
    labels: 14,
    channels: 1,
    from: 'Wang et al., ChestX-ray8, IEEE CVPR, 2017, https://nihcc.app.box.com/v/ChestXray-NIHCC',
    md5: [
      '02c8a6516a18b556561a56cbdd36c4a8',
      '9de6cd0b934ebb5b7426cfba5efbae16',
      'db107e5590b27930b62dbaf558aebee3',
      '45bd33e6f06c3e8cdb481c74a89152aa',
    ],
  },
  pathmnist: {
    title: 'PathMNIST',
    description: 'colorectal histology patches of 9 tissues',
    images: 107_180,
    labels: 9,
    channels: 3,
    from: 'Kather et al., Predicting survival from colorectal cancer histology slides, PLoS Medicine, 2019',
    md5: [
      'a8b06965200029087d5bd730944a56c1',
      '55aa9c1e0525abe5a6b9d8343a507616',
      'ac42d08fb904d92c244187169d1fd1d9',
      '2c51a510bcdc9cf8ddb2af93af1eadec',
    ],
  },
  dermamnist: {
    title: 'DermaMNIST',
    description: 'dermatoscopic images of 7 skin lesions (HAM10000)',
    images: 10_015,
    labels: 7,
    channels: 3,
    licence: CC_BY_NC,
    from: 'Tschandl et al., The HAM10000 dataset, Scientific Data, 2018',
    md5: [
      '0744692d530f8e62ec473284d019b0c7',
      'b70a2f5635c6199aeaa28c31d7202e1f',
      '2defd784463fa5243564e855ed717de1',
      '8974907d8e169bef5f5b96bc506ae45d',
    ],
  },
  octmnist: {
    title: 'OCTMNIST',
    description: 'retinal optical coherence tomography, 3 diseases and normal',
    images: 109_309,
    labels: 4,
    channels: 1,
    from: 'Kermany et al., Identifying medical diagnoses and treatable diseases, Cell, 2018',
    md5: [
      'c68d92d5b585d8d81f7112f81e2d0842',
      'e229e9440236b774d9f0dfef9d07bdaf',
      '0a97e76651ace45c5d943ee3f65b63ae',
      'abc493b6d529d5de7569faaef2773ba3',
    ],
  },
  pneumoniamnist: {
    title: 'PneumoniaMNIST',
    description: "children's chest radiographs, pneumonia or normal",
    images: 5_856,
    labels: 2,
    channels: 1,
    from: 'Kermany et al., Identifying medical diagnoses and treatable diseases, Cell, 2018',
    md5: [
      '28209eda62fecd6e6a2d98b1501bb15f',
      '8f4eceb4ccffa70c672198ea285246c6',
      '05b46931834c231683c68f40c47b2971',
      'd6a3c71de1b945ea11211b03746c1fe1',
    ],
  },
  retinamnist: {
    title: 'RetinaMNIST',
    description: 'fundus photographs with 5 grades of diabetic retinopathy',
    images: 1_600,
    labels: 5,
    channels: 3,
    from: 'Liu et al., DeepDRiD: Diabetic retinopathy grading and image quality estimation challenge, Patterns, 2022',
    md5: [
      'bd4c0672f1bba3e3a89f0e4e876791e4',
      'afda852cc34dcda56f86ad2b2457dbcc',
      'e48e916a24454daf90583d4e6efb1a18',
      'eae7e3b6f3fcbda4ae613ebdcbe35348',
    ],
  },
  breastmnist: {
    title: 'BreastMNIST',
    description: 'breast ultrasound, malignant or not',
    images: 780,
    labels: 2,
    channels: 1,
    from: 'Al-Dhabyani et al., Dataset of breast ultrasound images, Data in Brief, 2020',
    md5: [
      '750601b1f35ba3300ea97c75c52ff8f6',
      '742edef2a1fd1524b2efff4bd7ba9364',
      '363e4b3f8d712e9b5de15470a2aaadf1',
      'b56378a6eefa9fed602bb16d192d4c8b',
    ],
  },
  bloodmnist: {
    title: 'BloodMNIST',
    description: 'blood cells of 8 kinds under the microscope',
    images: 17_092,
    labels: 8,
    channels: 3,
    from: 'Acevedo et al., A dataset of microscopic peripheral blood cell images, Data in Brief, 2020',
    md5: [
      '7053d0359d879ad8a5505303e11de1dc',
      '2b94928a2ae4916078ca51e05b6b800b',
      'adace1e0ed228fccda1f39692059dd4c',
      'b718ff6835fcbdb22ba9eacccd7b2601',
    ],
  },
  tissuemnist: {
    title: 'TissueMNIST',
    description: 'kidney cortex cells of 8 kinds under the microscope',
    images: 236_386,
    labels: 8,
    channels: 1,
    from: 'Ljosa et al., Annotated high-throughput microscopy image sets (BBBC051), Nature Methods, 2012',
    md5: [
      'ebe78ee8b05294063de985d821c1c34b',
      '123ece2eba09d0aa5d698fda57103344',
      '61b955355d7425a89687b06cca3ce0c2',
      'b077128c4a949f0a4eb01517f9037b9c',
    ],
  },
  organamnist: {
    title: 'OrganAMNIST',
    description: 'axial CT slices of 11 organs',
    images: 58_830,
    labels: 11,
    channels: 1,
    from: 'Bilic et al., The Liver Tumor Segmentation Benchmark (LiTS), 2019',
    md5: [
      '68e3f8846a6bd62f0c9bf841c0d9eacc',
      '2dcccc29b88e6da5a01161ef20cda288',
      'eeae80d0a227a8d099027e1b3cfd3b60',
      '50747347e05c87dd3aaf92c49f9f3170',
    ],
  },
  organcmnist: {
    title: 'OrganCMNIST',
    description: 'coronal CT slices of 11 organs',
    images: 23_583,
    labels: 11,
    channels: 1,
    from: 'Bilic et al., The Liver Tumor Segmentation Benchmark (LiTS), 2019',
    md5: [
      'b9ceb9546e10131b32923c5bbeaea2b1',
      '3ce34a8724ea6f548e6db4744d03b6a9',
      '773c1f009daa3fe5d9a2a201b2a7ed94',
      '050f5e875dc056f6768abf94ec9995d1',
    ],
  },
  organsmnist: {
    title: 'OrganSMNIST',
    description: 'sagittal CT slices of 11 organs',
    images: 25_211,
    labels: 11,
    channels: 1,
    from: 'Bilic et al., The Liver Tumor Segmentation Benchmark (LiTS), 2019',
    md5: [
      '9ab87b696fb54e2a387ebe992d6ed5f1',
      '53a6d115339d874c25e309a994ff46d3',
      'ded0c5fa01a95dc4978b956f613e9b8e',
      'b354719e553fbbb2513d5533f52a4cb1',
    ],
  },
}

export const medmnistSources: readonly Source[] = Object.entries(SETS).flatMap(([family, set]) =>
  SIZES.map((size, at): Source => {
    const name = size === 28 ? family : `${family}_${size}`
    const { title, description, images, labels, channels, licence = CC_BY, from, md5 } = set
    const file = `${name}.npz`
    return {
      name,
      family,
      title: `${title}, ${size} x ${size}`,
      description,
      images,
      labels,
      // As plain numbers; the file is packed.
      atMost: images * size * size * channels,
      licence,
      citations: [...CITATIONS, from],
      homepage: 'https://medmnist.com',
      files: [
        {
          name: file,
          url: `${RECORD}/files/${file}?download=1`,
          bytes: null,
          md5: md5[at] ?? null,
          sha256: null,
          unpack: false,
        },
      ],
      location: file,
      size,
      channels,
    }
  }),
)
