// Sends the page's form off at once. Without this, its button does.
document.querySelector("main form").submit();
