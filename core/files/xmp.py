"""XMP packets: read, corrected and merged (ISO 16684-1), through lxml.

A packet keeps its bytes unless something in it would become untrue.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Name: TypeAlias = tuple[str, str]
"""A property's namespace and its name therein."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META = "adobe:ns:meta/"
XML = "http://www.w3.org/XML/1998/namespace"
DC = "http://purl.org/dc/elements/1.1/"
XMP = "http://ns.adobe.com/xap/1.0/"
RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
NOTE = "http://ns.adobe.com/xmp/note/"
MEDIA = "http://ns.adobe.com/xap/1.0/mm/"
EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
TIFF = "http://ns.adobe.com/tiff/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
EXIF_EX = "http://cipa.jp/exif/1.0/"
AUX = "http://ns.adobe.com/exif/1.0/aux/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
CAMERA_RAW = "http://ns.adobe.com/camera-raw-settings/1.0/"
DARKTABLE = "http://darktable.sf.net/"
GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
_APPLE_GAIN_MAP = "http://ns.apple.com/HDRGainMap/1.0/"
_GOOGLE_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_GOOGLE_CAMERA = "http://ns.google.com/photos/1.0/camera/"

_PREFIXES = {
    "rdf": RDF,
    "dc": DC,
    "xmp": XMP,
    "xmpRights": RIGHTS,
    "xmpNote": NOTE,
    "tiff": TIFF,
    "exif": EXIF,
    "exifEX": EXIF_EX,
    "aux": AUX,
    "photoshop": PHOTOSHOP,
    "Iptc4xmpCore": IPTC_CORE,
}
_ARRAYS = {
    (DC, "title"): "Alt",
    (DC, "rights"): "Alt",
    (DC, "description"): "Alt",
    (EXIF, "UserComment"): "Alt",
    (DC, "creator"): "Seq",
    (DC, "subject"): "Bag",
    (PHOTOSHOP, "SupplementalCategories"): "Bag",
}
_OTHER_DATA = {GAIN_MAP, _APPLE_GAIN_MAP, _GOOGLE_CONTAINER}
"""Namespaces about pictures behind the photo, which stay behind."""
_OTHER_NAMES = re.compile("MotionPhoto|MicroVideo")
_STALE = {
    (XMP, "Thumbnails"),
    (NOTE, "HasExtendedXMP"),
    *((TIFF, name) for name in ("BitsPerSample", "Compression", "PhotometricInterpretation")),
    *((TIFF, name) for name in ("SamplesPerPixel", "PlanarConfiguration", "YCbCrSubSampling")),
    *((TIFF, name) for name in ("TransferFunction", "WhitePoint", "PrimaryChromaticities")),
    *((TIFF, name) for name in ("YCbCrPositioning", "YCbCrCoefficients", "ReferenceBlackWhite")),
    (TIFF, "NativeDigest"),
    (EXIF, "NativeDigest"),
    (EXIF_EX, "Gamma"),
}
"""Statements about how the source was stored, and digests of its EXIF."""
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GUID = re.compile("[0-9A-Fa-f]{32}")
_ROOM = 60_000
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'.encode()
_TAIL = b'\n<?xpacket end="w"?>'

Tree: TypeAlias = Any
"""An element of lxml, which has no types of its own."""


@dataclass(frozen=True)
class Facts:
    """What is true of the file that a packet goes into.

    Attributes
    ----------
    width, height : int
        In pixels.
    srgb : bool
        Whether its space is sRGB.
    profile : str
        The profile's name.
    mime : str
        Its media type.
    """

    width: int
    height: int
    srgb: bool
    profile: str
    mime: str


def properties(packet: bytes | None) -> dict[Name, list[str]]:
    """Return the texts of a packet's properties by name; those without text are empty lists.

    Nothing where the packet is damaged.

    Examples
    --------
    >>> packet = with_properties(None, {(DC, "title"): ["Evening in Crete"]})
    >>> properties(packet)
    {('http://purl.org/dc/elements/1.1/', 'title'): ['Evening in Crete']}
    >>> properties(b"damaged")
    {}
    """
    try:
        tree = _parsed(packet) if packet else None
    except ValueError:
        return {}
    found: dict[Name, list[str]] = {}
    for statement in _statements(tree) if tree is not None else ():
        found.setdefault(statement.name, []).extend(statement.texts)
    return found


def is_sound(packet: bytes) -> bool:
    """Return whether a packet can be read.

    Examples
    --------
    >>> is_sound(with_properties(None, {(DC, "title"): ["Crete"]})), is_sound(b"<x:xmpmeta")
    (True, False)
    """
    try:
        _parsed(packet)
    except ValueError:
        return False
    return True


def has_gain_map(packet: bytes) -> bool:
    """Return whether a packet mentions a gain map behind the photo (Ultra HDR).

    Examples
    --------
    >>> has_gain_map(with_properties(None, {(GAIN_MAP, "Version"): ["1.0"]}))
    True
    >>> has_gain_map(with_properties(None, {(DC, "title"): ["Crete"]}))
    False
    """
    return any(namespace in (GAIN_MAP, _APPLE_GAIN_MAP) for namespace, _ in properties(packet))


def history(packet: bytes | None) -> tuple[str, ...]:
    """Return the programs of a packet's history, first to last, without repetitions.

    Examples
    --------
    >>> packet = with_properties(None, {(EVENT, "softwareAgent"): ["darktable 5.0"]})
    >>> history(packet)
    ('darktable 5.0',)
    """
    try:
        tree = _parsed(packet) if packet else None
    except ValueError:
        return ()
    name = f"{{{EVENT}}}softwareAgent"
    if tree is None:
        return ()
    agents = [
        element.get(name) or (element.text or "" if element.tag == name else "")
        for element in tree.iter(etree.Element)
    ]
    return tuple(dict.fromkeys(agent.strip() for agent in agents if agent.strip()))


def corrected(packet: bytes, facts: Facts) -> bytes | None:
    """Return a packet whose statements are true of the file it goes into.

    Parameters
    ----------
    packet : bytes
        As stored.
    facts : Facts
        Of the file.

    Returns
    -------
    bytes or None
        The same bytes where nothing is untrue; None if the packet is damaged.

    Examples
    --------
    >>> packet = with_properties(None, {(TIFF, "Orientation"): ["6"], (DC, "title"): ["Crete"]})
    >>> true = corrected(packet, Facts(600, 400, False, "Display P3", "image/png"))
    >>> properties(true)  # doctest: +NORMALIZE_WHITESPACE
    {('http://ns.adobe.com/tiff/1.0/', 'Orientation'): ['1'],
        ('http://purl.org/dc/elements/1.1/', 'title'): ['Crete']}
    >>> corrected(true, Facts(600, 400, False, "Display P3", "image/png")) == true
    True
    """
    truths = {
        (TIFF, "Orientation"): "1",
        (TIFF, "ImageWidth"): str(facts.width),
        (TIFF, "ImageLength"): str(facts.height),
        (EXIF, "PixelXDimension"): str(facts.width),
        (EXIF, "PixelYDimension"): str(facts.height),
        (EXIF, "ColorSpace"): "1" if facts.srgb else "65535",
        (PHOTOSHOP, "ICCProfile"): facts.profile,
        (PHOTOSHOP, "ColorMode"): "3",
        (DC, "format"): facts.mime,
    }
    try:
        tree = _parsed(packet)
    except ValueError:
        return None
    changed = False
    for statement in _statements(tree):
        truth = truths.get(statement.name)
        if _is_stale(statement.name):
            statement.remove()
            changed = True
        elif truth is not None and statement.texts != [truth]:
            statement.say(truth)
            changed = True
    return _packet(tree) if changed else packet


def merged(packet: bytes, extension: bytes) -> bytes:
    """Return a packet with the statements of its extension (ISO 16684-3, 1.1.3.1).

    Examples
    --------
    >>> packet = with_properties(None, {(DC, "title"): ["Crete"]})
    >>> extension = with_properties(None, {(PHOTOSHOP, "City"): ["Chania"]})
    >>> sorted(name for _, name in properties(merged(packet, extension)))
    ['City', 'title']
    """
    try:
        tree, more = _parsed(packet), _parsed(extension)
    except ValueError:
        return packet
    for description in more.findall(f"{{{RDF}}}Description"):
        tree.append(description)
    return _packet(tree)


def extension_of(packet: bytes) -> str:
    """Return the identity of the extension that a packet asks for, empty if it has none.

    Examples
    --------
    >>> _, _, identity = parted(packet := with_properties(None, {(DC, "title"): ["Crete"]}))
    >>> extension_of(packet)
    ''
    >>> extension_of(parted(packet)[0]) == identity
    True
    """
    stated = properties(packet).get((NOTE, "HasExtendedXMP"), [])
    return stated[0].upper() if stated and _GUID.fullmatch(stated[0]) else ""


def parted(packet: bytes) -> tuple[bytes, bytes, str]:
    """Return a packet that fits into one segment of JPEG, its extension, and its identity.

    Raises
    ------
    ValueError
        If the packet is damaged.

    Examples
    --------
    >>> texts = {(DC, "title"): ["Crete"], (DC, "description"): ["word " * 20_000]}
    >>> long = with_properties(None, texts)
    >>> packet, extension, identity = parted(long)
    >>> len(packet) < 65_000 < len(extension), extension_of(packet) == identity
    (True, True)
    >>> properties(merged(packet, extension)).keys() >= properties(long).keys()
    True
    """
    tree = _parsed(packet)
    rest = _empty()
    for description in tree.findall(f"{{{RDF}}}Description"):
        sizes = {element: len(etree.tostring(element)) for element in description.iterchildren("*")}
        moved = None
        for element in sorted(sizes, key=lambda one: sizes[one], reverse=True):
            if len(etree.tostring(tree)) <= _ROOM:
                break
            if moved is None:
                moved = _description(rest)
            moved.append(element)
    extension = etree.tostring(rest.getparent(), encoding="utf-8")
    identity = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    _description(tree).set(f"{{{NOTE}}}HasExtendedXMP", identity)
    return _packet(tree), extension, identity


def with_properties(packet: bytes | None, more: Mapping[Name, Sequence[str]]) -> bytes | None:
    """Return a packet with further properties, added only where it does not have them.

    Parameters
    ----------
    packet : bytes or None
        As stored.
    more : mapping
        Texts by name.

    Returns
    -------
    bytes or None
        A new packet if there was none or a damaged one; None if there is nothing to say.

    Examples
    --------
    >>> packet = with_properties(None, {(DC, "title"): ["Crete"]})
    >>> more = with_properties(packet, {(DC, "title"): ["Malta"], (DC, "rights"): ["CC0"]})
    >>> [texts for _, texts in sorted(properties(more).items())]  # what is said stays
    [['CC0'], ['Crete']]
    """
    known = properties(packet)
    new = {name: values for name, values in more.items() if name not in known and values}
    if not new:
        return packet
    try:
        tree = _parsed(packet) if packet else _empty()
    except ValueError:
        tree = _empty()
    description = _description(tree)
    for name, values in new.items():
        element = etree.SubElement(description, _tag(name))
        if name not in _ARRAYS:
            element.text = _writable(values[0])
            continue
        array = etree.SubElement(element, f"{{{RDF}}}{_ARRAYS[name]}")
        for value in values[: 1 if _ARRAYS[name] == "Alt" else None]:
            item = etree.SubElement(array, f"{{{RDF}}}li")
            item.text = _writable(value)
            if _ARRAYS[name] == "Alt":
                item.set(f"{{{XML}}}lang", "x-default")
    return _packet(tree)


def only(packet: bytes | None, allows: Callable[[Name, str], bool]) -> bytes | None:
    """Return a packet of nothing but the plain texts of some properties, built anew.

    Parameters
    ----------
    packet : bytes or None
        As stored.
    allows : callable
        Tells by a property's name and text whether it may stay.

    Returns
    -------
    bytes or None
        None if nothing stays.

    Examples
    --------
    >>> packet = with_properties(None, {(DC, "creator"): ["Ada"], (TIFF, "Model"): ["X100V"]})
    >>> properties(only(packet, lambda name, text: name == (TIFF, "Model")))
    {('http://ns.adobe.com/tiff/1.0/', 'Model'): ['X100V']}
    >>> only(packet, lambda name, text: False) is None
    True
    """
    try:
        tree = _parsed(packet) if packet else None
    except ValueError:
        return None
    kept = _empty()
    description = _description(kept)
    for statement in _statements(tree) if tree is not None else ():
        texts = statement.texts
        if not texts or not all(allows(statement.name, text) for text in texts):
            continue
        element = etree.SubElement(description, _tag(statement.name))
        if statement.is_array:
            array = etree.SubElement(element, f"{{{RDF}}}Seq")
            for text in texts:
                etree.SubElement(array, f"{{{RDF}}}li").text = text
        else:
            element.text = texts[0]
    return _packet(kept) if len(description) else None


def stating_software(packet: bytes | None, software: str) -> bytes:
    """Return a packet that names the program which made the file (``tiff:Software``).

    Examples
    --------
    >>> packet = stating_software(None, "gamut 0.1.0")
    >>> properties(stating_software(packet, "gamut 0.2.0"))
    {('http://ns.adobe.com/tiff/1.0/', 'Software'): ['gamut 0.2.0']}
    """
    try:
        tree = _parsed(packet) if packet else _empty()
    except ValueError:
        tree = _empty()
    for statement in _statements(tree):
        if statement.name == (TIFF, "Software"):
            statement.remove()
    _description(tree).set(_tag((TIFF, "Software")), _writable(software))
    return _packet(tree)


@dataclass(frozen=True)
class _Statement:
    """One property of the photo: an attribute of a description, or an element inside."""

    description: Tree
    name: Name
    element: Tree | None

    @property
    def is_array(self) -> bool:
        return self.element is not None and self.element.find(f"{{{RDF}}}*/{{{RDF}}}li") is not None

    @property
    def texts(self) -> list[str]:
        if self.element is None:
            return [self.description.get(_tag(self.name)).strip()]
        items = self.element.findall(f"{{{RDF}}}*/{{{RDF}}}li") if self.is_array else [self.element]
        return [item.text.strip() for item in items if not len(item) and (item.text or "").strip()]

    def say(self, value: str) -> None:
        self.remove()
        self.description.set(_tag(self.name), value)

    def remove(self) -> None:
        if self.element is None:
            self.description.attrib.pop(_tag(self.name), None)
        elif self.element.getparent() is not None:
            self.element.getparent().remove(self.element)


def _statements(tree: Tree) -> list[_Statement]:
    found = []
    for description in tree.findall(f"{{{RDF}}}Description"):
        for tag in description.attrib:
            name = _name(tag)
            if name[0] not in (RDF, XML, ""):
                found.append(_Statement(description, name, None))
        for element in description.iterchildren("*"):
            found.append(_Statement(description, _name(element.tag), element))
    return found


def _is_stale(name: Name) -> bool:
    namespace, word = name
    if namespace == _GOOGLE_CAMERA and _OTHER_NAMES.search(word):
        return True
    return namespace in _OTHER_DATA or name in _STALE


def _name(tag: str) -> Name:
    name = etree.QName(tag)
    return name.namespace or "", name.localname


def _tag(name: Name) -> str:
    return f"{{{name[0]}}}{name[1]}"


def _parsed(packet: bytes) -> Tree:
    """Return the rdf:RDF element of a packet."""
    content = packet.strip(b"\0 \t\r\n")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("XMP has no document types")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("XMP that is no XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("XMP has no document types")
    if root.tag == f"{{{RDF}}}RDF":
        return root
    if etree.QName(root).localname not in ("xmpmeta", "xapmeta"):
        raise ValueError("XML that is no XMP")
    tree = root.find(f"{{{RDF}}}RDF")
    return etree.SubElement(root, f"{{{RDF}}}RDF") if tree is None else tree


def _writable(text: str) -> str:
    """Return a text without the characters that XML has no place for."""
    return _NOT_IN_XML.sub("", text)


def _empty() -> Tree:
    meta = etree.Element(f"{{{META}}}xmpmeta", nsmap={"x": META})
    return etree.SubElement(meta, f"{{{RDF}}}RDF", nsmap={"rdf": RDF})


def _description(tree: Tree) -> Tree:
    description = etree.SubElement(tree, f"{{{RDF}}}Description", nsmap=_PREFIXES)
    description.set(f"{{{RDF}}}about", "")
    return description


def _packet(tree: Tree) -> bytes:
    meta = tree.getparent()
    etree.cleanup_namespaces(tree)
    body: bytes = etree.tostring(tree if meta is None else meta, encoding="utf-8", with_tail=False)
    return _HEAD + body.removeprefix(b"<?xml version='1.0' encoding='utf-8'?>\n") + _TAIL
