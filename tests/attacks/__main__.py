"""Write the matrix into docs/threat-model.md."""

from tests.attacks.matrix import BEGIN, DOCUMENT, END, written_matrix

if __name__ == "__main__":
    before, rest = DOCUMENT.read_text().split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(before + BEGIN + written_matrix() + END + after)
