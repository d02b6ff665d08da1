// Commands and code in a sentence are wrapped between words, and not after the hyphens of flags.
document.addEventListener("DOMContentLoaded", () => {
  for (const command of document.querySelectorAll(".highlight-bash pre, .highlight-sh pre, code.literal")) {
    const walker = document.createTreeWalker(command, NodeFilter.SHOW_TEXT), texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) {
      text.replaceWith(...text.data.split(/(\s+)/).map((word) => {
        if (!word.includes("-")) return word;
        const whole = document.createElement("span");
        whole.className = "word";
        whole.textContent = word;
        return whole;
      }));
    }
  }
});
