"""Small files of every kind, made here."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import docx
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

LETTER = (612, 792)


def simple_pdf(*pages: list[tuple[str, int]], password: str = "", bookmarks: bool = False) -> bytes:
    """A PDF whose pages hold lines of (text, font size), from the top; sizes above 12 are bold."""
    buffer = io.BytesIO()
    canvas: Any = Canvas(buffer, LETTER, encrypt=StandardEncryption(password) if password else None, pageCompression=0)
    for number, lines in enumerate(pages):
        top = 720.0
        for text, size in lines:
            canvas.setFont("Helvetica-Bold" if size > 12 else "Helvetica", size)
            if size > 12 and bookmarks:
                canvas.bookmarkPage(f"{number}-{text}")
                canvas.addOutlineEntry(text, f"{number}-{text}", 0 if size > 16 else 1)
            canvas.drawString(72, top, text)
            top -= size * (1.2 if text else 1.5)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def two_column_pdf(left: list[str], right: list[str], title: str) -> bytes:
    """A page whose columns are written row by row, as some programs do."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, LETTER)
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(72, 730, title)
    canvas.setFont("Helvetica", 10)
    for row, texts in enumerate(zip(left, right, strict=True)):
        for x, text in zip((72, 320), texts, strict=True):
            canvas.drawString(x, 700 - 12 * row, text)
    canvas.save()
    return buffer.getvalue()


def scanned_pdf(*texts: str) -> bytes:
    """A page a text; an empty text makes a page with nothing but a red picture, whose upper left quarter is blue."""
    picture = Image.new("RGB", (60, 80), "red")
    picture.paste("blue", (0, 0, 30, 40))
    buffer = io.BytesIO()
    canvas: Any = Canvas(buffer, LETTER)
    for text in texts:
        if text:
            canvas.drawString(72, 700, text)
        else:
            canvas.drawImage(ImageReader(picture), 0, 0, *LETTER)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def raw_pdf(drawing: bytes, *, page: bytes = b"", letters: str = "", stream: bytes = b"") -> bytes:
    """A page with this content, whose fonts are F1, Helvetica, and F2, Courier.

    letters are what the codes from "a" on stand for; page adds entries.
    """
    codes = b"".join(b"<%02x> <%04x>\n" % (ord("a") + at, ord(letter)) for at, letter in enumerate(letters))
    mapping = b"1 beginbfrange <00> <60> <0000> endbfrange %d beginbfchar\n%sendbfchar" % (len(letters), codes)
    cmap = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange " + mapping
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica %s>>" % (b"/ToUnicode 5 0 R " if letters else b"")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] %s /Contents 6 0 R "
        b"/Resources << /Font << /F1 4 0 R /F2 << /Type /Font /Subtype /Type1 /BaseFont /Courier >> >> >> >>" % page,
        font,
        b"<< /Length %d >>\nstream\n%s endcmap end end\nendstream" % (len(cmap) + 16, cmap),
        stream or b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
    ]
    content, offsets = b"%PDF-1.5\n", b""
    for number, item in enumerate(objects, 1):
        offsets += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    tail = b"trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(content)
    return content + b"xref\n0 7\n0000000000 65535 f \n" + offsets + tail


def drawn(*texts: tuple[float, float, str], size: int = 12) -> bytes:
    """Content that shows texts at places in points from the lower left."""
    shown = (b"BT /F1 %d Tf %g %g Td (%s) Tj ET" % (size, x, y, text.encode("latin-1")) for x, y, text in texts)
    return b"\n".join(shown)


def word_file() -> bytes:
    """Headings, a list, a table, a header, and a text box."""
    document = docx.Document()
    document.add_heading("Returns Policy", 0)
    document.add_paragraph("Halyard Music, edition 4.")
    document.add_heading("How long", 1)
    document.add_paragraph("The clock starts on the invoice date.")
    document.add_heading("Videos", 2)
    document.add_paragraph("Videos are different.")
    document.add_heading("Rules", 1)
    document.add_paragraph("Brazil: seven days.", style="List Bullet")
    document.add_paragraph("India: credit only.", style="List Bullet")
    table = document.add_table(rows=0, cols=2)
    for row in (("Kind", "Days"), ("Audio", "14"), ("Video", "5")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.sections[0].header.paragraphs[0].text = "Confidential header"
    document.add_paragraph("After the table.")
    buffer = io.BytesIO()
    document.save(buffer)
    return _with_text_box(buffer.getvalue(), "After the table.", "Words in a text box")


def _with_text_box(content: bytes, behind: str, text: str) -> bytes:
    run = f"<w:t>{behind}</w:t></w:r>"
    box = f"<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part.replace(run.encode(), (run + box).encode()))
    return buffer.getvalue()
