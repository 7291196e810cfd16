"""Words that other tools use for commands and options, and what they are called here."""

from __future__ import annotations

import re
from collections.abc import Collection

COMMANDS = {
    "evaluate": "eval evaluation fid metric metrics score scores test validate inceptionscore",
    "train": "fit run start resume continue finetune trainer",
    "sample": "generate gen predict infer inference synthesize synthesise create draw image images output pictures",
    "explore": "gui ui web app demo serve server browse play playground interactive visualize visualise notebook",
    "watch": "monitor dashboard tensorboard progress live",
    "doctor": "dataset data inspect check preprocess prepare analyse analyze datasettool",
    "recipes": "recipe models model presets preset configs config methods list zoo",
    "diagnose": "diagnosis debug health status problems why",
    "report": "summary summarize summarise html plot plots curves log logs",
    "walk": "interpolate interpolation morph video animate slerp lerp",
    "invert": "project projector projection encode embed reconstruct inversion",
    "arithmetic": "vector vectors mix math algebra",
    "export": "save onnx torchscript deploy publish share",
    "compare": "comparison diff versus vs benchmark",
    "truncation": "truncate psi trunc",
    "neighbours": "neighbors nearest knn neighbour neighbor",
}
"""Command -> words without separators that other tools have for it."""

HELP = {"help": "--help", "h": "--help", "usage": "--help", "version": "--version", "v": "--version"}
"""Words that are options of ganache itself."""

OPTIONS = (
    ("epoch epochs numepochs nepochs maxepochs nepoch totalepochs", "--images N, --steps N or --minutes N; an epoch of "
     "5,000 pictures is  --images 5000"),
    ("kimg totalkimg nimg", "--images N, in pictures"),
    ("iterations iters iter niter niters maxiter maxiters maxsteps numsteps nsteps totalsteps trainsteps "
     "numtrainsteps", "--steps N"),
    ("time hours seconds maxtime budget duration timeout", "--minutes N"),
    ("bs b batchsize batchs minibatch trainbatchsize batchgpu", "--batch N"),
    ("gpu gpus cuda usegpu usecuda gpuid gpuids ngpu ngpus numgpus accelerator devices", "--device cuda"),
    ("cpu nocuda nogpu usecpu", "--device cpu"),
    ("lr learningrate lrate rate", "--generator-optimiser.lr and --critic-optimiser.lr"),
    ("lrg glr generatorlr lrgenerator learningrateg", "--generator-optimiser.lr"),
    ("lrd dlr discriminatorlr lrdiscriminator learningrated criticlr", "--critic-optimiser.lr"),
    ("beta1 b1 momentum", "--generator-optimiser.beta1 and --critic-optimiser.beta1"),
    ("beta2 b2", "--generator-optimiser.beta2 and --critic-optimiser.beta2"),
    ("optimizer optimiser opt optim", "--generator-optimiser.name and --critic-optimiser.name"),
    ("weightdecay lrdecay scheduler", "--generator-optimiser.decay and --critic-optimiser.decay"),
    ("resolution res imagesize imgsize imsize finesize loadsize cropsize pixels", "--size SIDE"),
    ("ncritic criticiters criticsteps dsteps ndis ndisc numd disciters", "--schedule.critic-steps N"),
    ("arch architecture networkname net model backbone generator netg netd", "--network.name NAME, or --recipe NAME"),
    ("loss gan ganmode losstype gantype gantypes objective adversarialloss criterion", "--method.name NAME"),
    ("preset config cfg configfile configuration template", "--recipe NAME"),
    ("clip clipvalue weightclip clamp", "--method.clip NUMBER, with  --method.name wgan"),
    ("gp lambdagp gplambda gradientpenalty gpweight lambda", "--penalty.weight NUMBER, or  --method.name wgan-gp"),
    ("gamma r1gamma", "--penalty.r1 NUMBER"),
    ("latentdim latentsize nz zsize latent zdimension noisedim noise codedim", "--network.z-dim N"),
    ("ngf ndf nf channelsbase cbase fmaps filters features", "--network.width N"),
    ("mirror hflip horizontalflip xflip", "--data.flip True"),
    ("augmentation aug diffaug diffaugment ada augmentations", "--view.augment colour translation cutout"),
    ("fp16 amp bf16 half mixedprecision dtype fp32", "--precision.compute bfloat16, or float32"),
    ("nc inchannels imgchannels numchannels gray grayscale greyscale grey", "--data.channels 1, 3 or 4"),
    ("cond conditional nclasses numclasses classcond labelled", "--data.classes N"),
    ("emadecay emahalflife emabeta averaging", "--schedule.ema-half-life N"),
    ("patience earlystopping earlystop", "--policy.stop-past-peak N"),
    ("pretrained init initfrom transfer transferlearning finetune finetunefrom resumepkl startfrom", "--from RUN"),
    ("saveevery saveinterval savefreq checkpointfreq checkpointinterval ckptevery snap snapshot saveiter",
     "--record.checkpoint-every N"),
    ("sampleinterval samplefreq displayfreq sampleiter", "--record.sample-every N"),
    ("loginterval logfreq printfreq logiter verbosefreq", "--record.log-every N"),
    ("randomseed manualseed rng randomstate", "--seed N"),
    ("seed seeds latent latents z point", "--points N, where a number is the seed of a latent"),
    ("class label labels category cond digit", "--classes N"),
    ("dim dims axis layer channel dimensions", "--dimension N"),
    ("dim dims axis dimension", "--dimensions N"),
    ("direction", "--directions NAME"),
    ("weights alpha ratio amount", "--weight NUMBER"),
    ("method algorithm mode", "--how sefa, pca or examples"),
    ("op operator formula mode", "--operation a+b"),
    ("stds truncation psi trunc scale", "--std NUMBER"),
    ("range limit min max low high", "--reach NUMBER"),
    ("numframes nframes length", "--frames N"),
    ("trial trials repeats repeat nruns", "--seeds N"),
    ("test try plan debug simulate", "--dry-run"),
    ("overwrite", "--force"),
    ("wandb usewandb tensorboard mlflow trackio tracker trackers tracking logger reportto",
     "--track wandb, trackio, mlflow or tensorboard"),
    ("truncation trunc psi truncationpsi temperature sigma", "--std NUMBER"),
    ("num count numimages nsamples numsamples nimages numpictures number samplecount", "-n N"),
    ("out output o outdir outputdir outputs savedir savepath save logdir logs resultsdir results workdir dest "
     "rundir runname expname experiment expdir saveto dir target", "--out PATH"),
)  # fmt: skip
"""(words without separators, what is offered here); an answer is given only if the command has its options."""

NO_OPTION = (
    ("data dataset dataroot datadir datapath input images folder source path traindir",
     "DATA", "name the data without a flag, as in  {prog} DATA"),
    ("run model network checkpoint ckpt weights pkl networkpkl modelpath resume load", "RUN",
     "name the run without a flag, as in  {prog} RUN  or  {prog} RUN@STEP"),
    ("resume continue restore load checkpoint ckpt autoresume", "DATA",
     "leave it out, as the same command resumes a run"),
    ("workers numworkers nworkers threads numthreads nprocs", "DATA",
     "leave it out; OMP_NUM_THREADS sets the number of threads"),
    ("verbose quiet debug", "", "leave it out, as there is no such choice"),
)  # fmt: skip
"""(words without separators, positional that the command must have, what to do instead)."""


def plain(word: str) -> str:
    """Return a word without dashes and separators, in lower case.

    >>> plain("--Batch_size")
    'batchsize'
    """
    return re.sub(r"[\W_]+", "", word).lower()


def command_for(word: str) -> str | None:
    """Return what a command of other tools is called here.

    >>> command_for("generate"), command_for("qqq")
    ('sample', None)
    """
    found = plain(word)
    return HELP.get(found) or next((name for name, words in COMMANDS.items() if found in words.split()), None)


def option_for(word: str, known: Collection[str], positionals: Collection[str], prog: str) -> str | None:
    """Return what to write instead of an option of other tools, for a command with these options and positionals.

    >>> option_for("--batch_size", ["--batch"], ["DATA"], "ganache train")
    'write  --batch N'
    >>> option_for("--dataroot", [], ["DATA"], "ganache train")
    'name the data without a flag, as in  ganache train DATA'
    """
    found = plain(word)
    for words, answer in OPTIONS:
        if found in words.split() and set(re.findall(r"(?<!\S)--?[a-z][\w.-]*", answer)) <= set(known):
            return f"write  {answer}"
    for words, needed, answer in NO_OPTION:
        if found in words.split() and (not needed or needed in positionals):
            return answer.format(prog=prog)
    same_end = [name for name in known if plain(name.rpartition(".")[2]) == found and "." in name]
    return f"write  {' or '.join(same_end[:3])}" if same_end else None
