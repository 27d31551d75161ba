// Puts the user's preferences on <html>, where the scripts look for them. Django's templates cannot.
Object.assign(document.documentElement.dataset, document.getElementById("preferences").dataset);
